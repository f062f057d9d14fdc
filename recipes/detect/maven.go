package detect

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// pomFile is what is read of pom.xml
// (https://maven.apache.org/pom.html).
type pomFile struct {
	Artifact    string `xml:"artifactId"`
	Version     string `xml:"version"`
	Description string `xml:"description"`
	Homepage    string `xml:"url"`
	Packaging   string `xml:"packaging"`
	FinalName   string `xml:"build>finalName"`
	Parent      struct {
		Artifact string `xml:"artifactId"`
		Version  string `xml:"version"`
	} `xml:"parent"`
	Dependencies []struct {
		Artifact string `xml:"artifactId"`
		Scope    string `xml:"scope"`
	} `xml:"dependencies>dependency"`
	Modules    []string `xml:"modules>module"`
	Plugins    []string `xml:"build>plugins>plugin>artifactId"`
	Properties struct {
		All []struct {
			XMLName xml.Name
			Value   string `xml:",chardata"`
		} `xml:",any"`
	} `xml:"properties"`
}

func (p *project) maven() error {
	d := p.draft
	var c pomFile
	if err := xml.Unmarshal([]byte(p.text("pom.xml")), &c); err != nil {
		return &UnfitError{"pom.xml cannot be read: " + err.Error(), "`mvn validate` says what is wrong"}
	}
	c.Version = c.expand(cmp.Or(c.Version, c.Parent.Version))
	d.name, d.version, d.summary, d.homepage = cmp.Or(c.Artifact, d.name), c.Version, c.expand(c.Description), c.expand(c.Homepage)
	switch {
	case len(c.Modules) > 0:
		return &UnfitError{"pom.xml is that of several modules", "run kiln init in the folder of a service"}
	case !c.needsMaven():
		return p.javac()
	case c.Packaging != "" && c.Packaging != "jar":
		return &UnfitError{fmt.Sprintf("pom.xml makes a %s, not a jar", c.Packaging), explainJava}
	}
	jar := c.expand(cmp.Or(c.FinalName, c.Artifact+"-"+c.Version)) + ".jar"
	if !jarName.MatchString(jar) {
		return &UnfitError{"pom.xml does not say how its jar is called: " + jar, explainJava}
	}
	if slices.Contains(c.Plugins, "spring-boot-maven-plugin") {
		return p.springBoot("target/" + jar)
	}
	return p.jar("maven: [package]", "target/"+jar)
}

// needsMaven reports whether the JDK is not enough: a parent may have
// dependencies of its own.
func (c *pomFile) needsMaven() bool {
	for _, dep := range c.Dependencies {
		if strings.TrimSpace(dep.Scope) != "test" {
			return true
		}
	}
	return c.Parent.Artifact != ""
}

// expand puts properties in, and those in them, into what is to be a name.
func (c *pomFile) expand(text string) string {
	known := []string{"${project.version}", c.Version, "${project.artifactId}", c.Artifact}
	for _, e := range c.Properties.All {
		known = append(known, "${"+e.XMLName.Local+"}", strings.TrimSpace(e.Value))
	}
	replacer := strings.NewReplacer(known...)
	for rounds := 4; rounds > 0 && len(text) < 256; rounds-- { // what is in a circle stays
		text = replacer.Replace(text)
	}
	return strings.TrimSpace(text)
}

// springBoot drafts a build whose jar holds all that it needs.
func (p *project) springBoot(jar string) error {
	d := p.draft
	output := "/usr/share/java/" + imageName(d.name) + ".jar"
	d.steps = []string{fmt.Sprintf("java: {maven: [package], jar: %s, output: %s}", scalar(jar), scalar(output))}
	d.entrypoint = []string{"/usr/bin/java", "-jar", output}
	p.assume("the jar is %s, which Spring Boot makes so that it starts by itself", jar)
	return nil
}
