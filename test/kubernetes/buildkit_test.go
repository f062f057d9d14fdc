package kubernetes

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

const manifests = "../../.github/kubernetes/"

// objects are those of buildkit.yaml.
type objects struct {
	namespace corev1.Namespace
	account   corev1.ServiceAccount
	config    corev1.ConfigMap
	service   corev1.Service
	set       appsv1.StatefulSet
	policy    networkingv1.NetworkPolicy
}

// readObjects reads them, each field of which must be one of its kind's.
func readObjects(t *testing.T) *objects {
	t.Helper()
	data, err := os.ReadFile(manifests + "buildkit.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var o objects
	kinds := map[string]any{
		"v1/Namespace": &o.namespace, "v1/ServiceAccount": &o.account, "v1/ConfigMap": &o.config, "v1/Service": &o.service,
		"apps/v1/StatefulSet": &o.set, "networking.k8s.io/v1/NetworkPolicy": &o.policy,
	}
	for _, doc := range bytes.Split(data, []byte("\n---\n")) {
		var head metav1.TypeMeta
		if err := yaml.Unmarshal(doc, &head); err != nil {
			t.Fatal(err)
		}
		kind := head.APIVersion + "/" + head.Kind
		into := kinds[kind]
		if into == nil {
			t.Fatalf("there is another %s", kind)
		}
		delete(kinds, kind)
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
	if len(kinds) > 0 {
		t.Fatalf("%v are missing", kinds)
	}
	return &o
}

// podOf is a pod as the StatefulSet makes it.
func podOf(set *appsv1.StatefulSet) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: set.Spec.Template.ObjectMeta, Spec: set.Spec.Template.Spec}
}

// TestBuildKitIsRestricted: of the restricted profile it lacks what making
// user namespaces takes, and nothing else.
func TestBuildKitIsRestricted(t *testing.T) {
	got := violations(t, podOf(&readObjects(t).set))
	want := []string{
		`allowPrivilegeEscalation != false: `, `unrestricted capabilities: `, `seccompProfile: `, `forbidden AppArmor profile: `,
	}
	for _, w := range want {
		i := slices.IndexFunc(got, func(v string) bool { return strings.HasPrefix(v, w) })
		if i < 0 {
			t.Errorf("%q is not violated, and the README says so", w)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, v := range got {
		t.Errorf("violated: %s", v)
	}
}

func TestBuildKitFitsTogether(t *testing.T) {
	o := readObjects(t)
	labels := o.set.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"the set": o.set.Spec.Selector.MatchLabels, "the service": o.service.Spec.Selector, "the policy": o.policy.Spec.PodSelector.MatchLabels,
	} {
		for k, v := range selector {
			if labels[k] != v || len(selector) == 0 {
				t.Errorf("%s selects %s=%s, pods have %v", what, k, v, labels)
			}
		}
	}
	for _, name := range []string{o.account.Namespace, o.config.Namespace, o.service.Namespace, o.set.Namespace, o.policy.Namespace} {
		if name != o.namespace.Name {
			t.Errorf("something is in namespace %q", name)
		}
	}
	spec, c := o.set.Spec.Template.Spec, o.set.Spec.Template.Spec.Containers[0]
	port := c.Ports[0]
	if o.set.Spec.ServiceName != o.service.Name || spec.ServiceAccountName != o.account.Name ||
		o.service.Spec.Ports[0].TargetPort.StrVal != port.Name || o.policy.Spec.Ingress[0].Ports[0].Port.StrVal != port.Name {
		t.Error("service, account or port have other names where they are used")
	}
	toml := o.config.Data["buildkitd.toml"]
	for _, mount := range c.VolumeMounts {
		if mount.Name == "tls" && strings.Count(toml, `= "`+mount.MountPath+"/") != 3 {
			t.Errorf("the certificates are in %s, the configuration has\n%s", mount.MountPath, toml)
		}
	}
	if len(o.policy.Spec.Ingress) != 1 || len(o.policy.Spec.Ingress[0].From) != 1 || o.policy.Spec.Ingress[0].From[0].PodSelector == nil ||
		o.policy.Spec.Ingress[0].From[0].NamespaceSelector == nil {
		t.Error("the policy lets in more than labelled pods of labelled namespaces")
	}
}

// TestBuildKitPatch: for steps that fetch the pod is root in a user namespace
// of its own, and nothing of the node is in it.
func TestBuildKitPatch(t *testing.T) {
	o := readObjects(t)
	patch, err := os.ReadFile(manifests + "userns.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(o.set)
	if err != nil {
		t.Fatal(err)
	}
	change, err := yaml.YAMLToJSON(patch)
	if err != nil {
		t.Fatal(err)
	}
	after, err := strategicpatch.StrategicMergePatch(before, change, appsv1.StatefulSet{})
	if err != nil {
		t.Fatal(err)
	}
	var set appsv1.StatefulSet
	if err := yaml.UnmarshalStrict(after, &set); err != nil {
		t.Fatal(err)
	}
	spec, c := set.Spec.Template.Spec, set.Spec.Template.Spec.Containers[0]
	if spec.HostUsers == nil || *spec.HostUsers || len(spec.Containers) != 1 {
		t.Error("privileged containers are to be in a user namespace of their pod")
	}
	if !*c.SecurityContext.Privileged || c.SecurityContext.Capabilities != nil || c.SecurityContext.AllowPrivilegeEscalation != nil {
		t.Errorf("the security context is %+v", c.SecurityContext)
	}
	for _, v := range spec.Volumes {
		if v.HostPath != nil {
			t.Errorf("volume %s is of the node", v.Name)
		}
	}
	var paths []string
	for _, m := range c.VolumeMounts {
		paths = append(paths, m.MountPath)
	}
	if want := []string{"/var/lib/buildkit", "/etc/buildkit", "/etc/buildkit-tls"}; !slices.Equal(paths, want) {
		t.Errorf("mounted are %q, want %q", paths, want)
	}
	if c.Image != strings.TrimSuffix(o.set.Spec.Template.Spec.Containers[0].Image, "-rootless") {
		t.Errorf("its image is %s", c.Image)
	}
}

// TestBuildKitVersion: client and daemon are of one version.
func TestBuildKitVersion(t *testing.T) {
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`\tgithub.com/moby/buildkit (v\S+)`).FindSubmatch(data)
	if version == nil {
		t.Fatal("go.mod names no BuildKit")
	}
	if got, want := readObjects(t).set.Spec.Template.Spec.Containers[0].Image, "moby/buildkit:"+string(version[1])+"-rootless"; got != want {
		t.Errorf("the image is %s, want %s", got, want)
	}
}
