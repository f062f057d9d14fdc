package archive
import ("testing";"os";"fmt";"time";"strings")
func TestExp(t *testing.T){
 dir:="/tmp/archive/state"
 c:=hostClient(t,dir)
 x:=hostIndex(t,c,"amd64")
 res,err:=x.Resolve(Request{Seeds:buildSeeds,Essential:true}); if err!=nil{t.Fatal(err)}
 var tot int64
 s:=time.Now()
 if err:=c.Fetch(t.Context(),FilesOf(res.Packages));err!=nil{t.Fatal(err)}
 t.Log("fetch",time.Since(s))
 os.RemoveAll("/tmp/archive/debs"); os.MkdirAll("/tmp/archive/debs",0o755)
 var ess []string; var names strings.Builder
 for _,p:=range res.Packages{ tot+=p.Size; e:=" "
  f:=fmt.Sprintf("/tmp/archive/debs/%s_%s_%s.deb",p.Name,strings.ReplaceAll(p.Version,":","%3a"),p.Architecture)
  os.Link(c.cache.Path(p.SHA256),f)
  if p.Essential{ess=append(ess,f);e="E"}
  fmt.Fprintf(&names,"%s %s %s %s %d\n",e,p.Name,p.Version,p.Suite,p.Size)}
 t.Log(names.String(),tot,len(ess))
 s=time.Now()
 o,_:=os.Create("/tmp/archive/root.tar")
 if err:=WriteRootTar(o,ess,1700000000);err!=nil{t.Fatal(err)}
 o.Close()
 t.Log("roottar",time.Since(s))
}
