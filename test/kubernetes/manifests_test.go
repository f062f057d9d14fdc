// Package kubernetes holds what `kiln runtime` prints against the API types
// and the Pod Security Standards of Kubernetes itself. It is a module of its
// own, so that kiln does not depend on them.
package kubernetes

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

func documents(t *testing.T) map[string][2][]byte {
	t.Helper()
	files, err := filepath.Glob("../../cmd/kiln/testdata/runtime/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][2][]byte{}
	for _, f := range files {
		if strings.HasSuffix(f, ".recipe.yaml") {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pod, policy, ok := bytes.Cut(data, []byte("\n---\n"))
		if !ok || bytes.Contains(policy, []byte("\n---\n")) {
			t.Fatalf("%s has not two documents", f)
		}
		all[filepath.Base(f)] = [2][]byte{pod, policy}
	}
	if len(all) < 3 {
		t.Fatalf("there are %d files, want at least 3", len(all))
	}
	return all
}

func readPod(t *testing.T, data []byte) *corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(data, &pod); err != nil {
		t.Fatal(err)
	}
	return &pod
}

// violations are what the restricted profile refuses in a pod.
func violations(t *testing.T, pod *corev1.Pod) []string {
	t.Helper()
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, r := range e.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !r.Allowed {
			list = append(list, r.ForbiddenReason+": "+r.ForbiddenDetail)
		}
	}
	return list
}

func TestPodsAreRestricted(t *testing.T) {
	for name, docs := range documents(t) {
		pod := readPod(t, docs[0])
		for _, v := range violations(t, pod) {
			t.Errorf("%s: %s", name, v)
		}
		names := []string{pod.Name, pod.Spec.Containers[0].Name}
		for _, v := range pod.Spec.Volumes {
			names = append(names, v.Name)
			if v.EmptyDir == nil {
				t.Errorf("%s: volume %s is no emptyDir", name, v.Name)
			}
		}
		for _, n := range names {
			if errs := validation.IsDNS1123Label(n); errs != nil {
				t.Errorf("%s: %q: %v", name, n, errs)
			}
		}
		for k, v := range pod.Labels {
			if errs := append(validation.IsQualifiedName(k), validation.IsValidLabelValue(v)...); len(errs) > 0 {
				t.Errorf("%s: label %s=%s: %v", name, k, v, errs)
			}
		}
	}
}

// TestViolationsAreSeen: the test above could fail.
func TestViolationsAreSeen(t *testing.T) {
	for name, docs := range documents(t) {
		pod := readPod(t, docs[0])
		pod.Spec.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
		pod.Spec.SecurityContext.SeccompProfile = nil
		if v := violations(t, pod); len(v) < 2 {
			t.Errorf("%s: two faults are seen as %q", name, v)
		}
	}
}

func TestPoliciesSelectThePods(t *testing.T) {
	for name, docs := range documents(t) {
		pod := readPod(t, docs[0])
		var p networkingv1.NetworkPolicy
		if err := yaml.UnmarshalStrict(docs[1], &p); err != nil {
			t.Fatal(err)
		}
		if len(p.Spec.PodSelector.MatchLabels) == 0 {
			t.Errorf("%s: the policy selects every pod", name)
		}
		for k, v := range p.Spec.PodSelector.MatchLabels {
			if pod.Labels[k] != v {
				t.Errorf("%s: the policy selects %s=%s, the pod has %q", name, k, v, pod.Labels[k])
			}
		}
		open := 0
		for _, rule := range p.Spec.Ingress {
			open += len(rule.Ports)
		}
		if open != len(pod.Spec.Containers[0].Ports) {
			t.Errorf("%s: the policy opens %d ports, the pod has %d", name, open, len(pod.Spec.Containers[0].Ports))
		}
	}
}
