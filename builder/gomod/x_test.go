package gomod
import ("testing";"net/http";"os/exec";"strings"
"github.com/kiln-build/kiln/builder/blobs")
func env(t *testing.T,k string) string { b,err:=exec.Command("go","env",k).Output(); if err!=nil {t.Fatal(err)}; return strings.TrimSpace(string(b))}
func TestReal(t *testing.T){
 st,_:=blobs.Open(t.TempDir())
 c:=&Client{Proxy:env(t,"GOPROXY"),SumDB:env(t,"GOSUMDB"),Cache:st,Dir:t.TempDir(),HTTP:http.DefaultClient}
 m,err:=c.Resolve(t.Context(),"github.com/nats-io/nats-server/v2","v2.15.2")
 t.Log(m,err)
 if err!=nil {t.Fatal(err)}
}
