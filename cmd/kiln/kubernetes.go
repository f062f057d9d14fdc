package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The types below are the part of the Kubernetes API (core/v1 and
// networking.k8s.io/v1) that `kiln runtime` prints.
type (
	manifest struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Metadata   metadata `json:"metadata"`
		Spec       any      `json:"spec"`
	}
	metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels,omitempty"`
	}
	podSpec struct {
		AutomountServiceAccountToken bool        `json:"automountServiceAccountToken"`
		SecurityContext              podSecurity `json:"securityContext"`
		Containers                   []container `json:"containers"`
		Volumes                      []volume    `json:"volumes,omitempty"`
	}
	podSecurity struct {
		RunAsNonRoot   bool           `json:"runAsNonRoot"`
		RunAsUser      int64          `json:"runAsUser"`
		RunAsGroup     int64          `json:"runAsGroup"`
		FSGroup        int64          `json:"fsGroup"`
		SeccompProfile seccompProfile `json:"seccompProfile"`
		Sysctls        []sysctl       `json:"sysctls,omitempty"`
	}
	seccompProfile struct {
		Type             string `json:"type"`
		LocalhostProfile string `json:"localhostProfile,omitempty"`
	}
	sysctl struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	container struct {
		Name            string            `json:"name"`
		Image           string            `json:"image"`
		Ports           []containerPort   `json:"ports,omitempty"`
		SecurityContext containerSecurity `json:"securityContext"`
		Resources       *resources        `json:"resources,omitempty"`
		VolumeMounts    []volumeMount     `json:"volumeMounts,omitempty"`
	}
	containerPort struct {
		ContainerPort int    `json:"containerPort"`
		Protocol      string `json:"protocol"`
	}
	containerSecurity struct {
		AllowPrivilegeEscalation bool         `json:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool         `json:"readOnlyRootFilesystem"`
		Capabilities             capabilities `json:"capabilities"`
	}
	capabilities struct {
		Drop []string `json:"drop"`
		Add  []string `json:"add,omitempty"`
	}
	resources struct {
		Limits   map[string]string `json:"limits"`
		Requests map[string]string `json:"requests"`
	}
	volumeMount struct {
		Name      string `json:"name"`
		MountPath string `json:"mountPath"`
	}
	volume struct {
		Name     string   `json:"name"`
		EmptyDir struct{} `json:"emptyDir"`
	}
	networkPolicySpec struct {
		PodSelector labelSelector `json:"podSelector"`
		PolicyTypes []string      `json:"policyTypes"`
		Ingress     []ingressRule `json:"ingress"`
	}
	labelSelector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	}
	ingressRule struct {
		Ports []policyPort `json:"ports"`
	}
	policyPort struct {
		Protocol string `json:"protocol"`
		Port     int    `json:"port"`
	}
)

// appLabel selects the pods of a service.
const appLabel = "app.kubernetes.io/name"

func (s *service) metadata() metadata {
	m := metadata{Name: dnsLabel(s.name), Labels: map[string]string{appLabel: dnsLabel(s.name)}}
	if v := s.version; len(v) <= 63 && v != "" {
		m.Labels["app.kubernetes.io/version"] = strings.Trim(v, "._-")
	}
	return m
}

// pod is the service alone, as the restricted profile of the Pod Security
// Standards wants a pod.
func (s *service) pod(profile string) manifest {
	spec := podSpec{SecurityContext: podSecurity{
		RunAsNonRoot: s.uid != 0, RunAsUser: s.uid, RunAsGroup: s.gid, FSGroup: s.gid,
		SeccompProfile: seccompProfile{Type: "RuntimeDefault"}, Sysctls: s.sysctls(),
	}}
	if profile != "" {
		spec.SecurityContext.SeccompProfile = seccompProfile{Type: "Localhost", LocalhostProfile: profile}
	}
	c := container{
		Name: dnsLabel(s.name), Image: s.image, Resources: s.resources(),
		SecurityContext: containerSecurity{
			ReadOnlyRootFilesystem: true,
			Capabilities:           capabilities{Drop: []string{"ALL"}, Add: s.runtime.Capabilities},
		},
	}
	for _, p := range s.portNumbers() {
		c.Ports = append(c.Ports, containerPort{ContainerPort: p.Port, Protocol: p.Protocol})
	}
	seen := map[string]bool{}
	for _, dir := range append(slices.Clone(s.volumes), s.runtime.Writable...) {
		name := volumeName(dir, seen)
		spec.Volumes = append(spec.Volumes, volume{Name: name})
		c.VolumeMounts = append(c.VolumeMounts, volumeMount{Name: name, MountPath: dir})
	}
	spec.Containers = []container{c}
	return manifest{APIVersion: "v1", Kind: "Pod", Metadata: s.metadata(), Spec: spec}
}

// networkPolicy lets in what goes to the declared ports. What the service may
// reach itself, no recipe says.
func (s *service) networkPolicy() manifest {
	spec := networkPolicySpec{
		PodSelector: labelSelector{map[string]string{appLabel: dnsLabel(s.name)}},
		PolicyTypes: []string{"Ingress"}, Ingress: []ingressRule{},
	}
	if ports := s.portNumbers(); len(ports) > 0 {
		spec.Ingress = append(spec.Ingress, ingressRule{ports})
	}
	return manifest{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Metadata: s.metadata(), Spec: spec}
}

func (s *service) portNumbers() []policyPort {
	var list []policyPort
	for _, p := range s.ports {
		number, protocol, _ := strings.Cut(p, "/")
		if protocol == "" {
			protocol = "tcp"
		}
		n, err := strconv.Atoi(number)
		if err == nil {
			list = append(list, policyPort{Protocol: strings.ToUpper(protocol), Port: n})
		}
	}
	slices.SortFunc(list, func(a, b policyPort) int { return a.Port - b.Port })
	return list
}

// sysctls open the low ports that the service listens at: a cluster does not
// give the capability to programs that are not root.
func (s *service) sysctls() []sysctl {
	ports := s.portNumbers()
	if len(ports) == 0 || ports[0].Port >= 1024 || s.uid == 0 {
		return nil
	}
	return []sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: strconv.Itoa(ports[0].Port)}}
}

func (s *service) resources() *resources {
	limits := map[string]string{}
	if s.runtime.Memory != "" {
		limits["memory"] = s.runtime.Memory
	}
	if s.runtime.CPU != "" {
		limits["cpu"] = s.runtime.CPU
	}
	if len(limits) == 0 {
		return nil
	}
	return &resources{Limits: limits, Requests: limits}
}

var notDNS = regexp.MustCompile(`[^a-z0-9]+`)

// dnsLabel makes a name of a container out of one of an image (RFC 1123).
func dnsLabel(s string) string {
	s = strings.Trim(notDNS.ReplaceAllString(strings.ToLower(s), "-"), "-")
	if len(s) > 63 {
		s = strings.TrimRight(s[:63], "-")
	}
	return s
}

// volumeName is one for the folder that no other has.
func volumeName(dir string, seen map[string]bool) string {
	base := dnsLabel(dir)
	if len(base) > 55 {
		base = strings.Trim(base[len(base)-55:], "-")
	}
	if base == "" {
		base = "data"
	}
	name := base
	for i := 2; seen[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	seen[name] = true
	return name
}

// printManifests writes YAML documents, or a List.
func printManifests(w io.Writer, format string, list ...manifest) error {
	if format == "json" {
		return printJSON(w, struct {
			APIVersion string     `json:"apiVersion"`
			Kind       string     `json:"kind"`
			Items      []manifest `json:"items"`
		}{"v1", "List", list})
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	for _, m := range list {
		n, err := asYAML(m)
		if err != nil {
			return err
		}
		if err := e.Encode(n); err != nil {
			return err
		}
	}
	return e.Close()
}

// asYAML is the value's JSON in YAML's own style, its order kept: JSON is
// YAML.
func asYAML(v any) (*yaml.Node, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var n yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&n); err != nil {
		return nil, err
	}
	block(&n)
	return n.Content[0], nil
}

func block(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
		n.Style = 0
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.Style = 0 // quoted where it must be
	}
	for _, c := range n.Content {
		block(c)
	}
}
