package explain

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

// TestFindAll explains everything that there is a name for.
func TestFindAll(t *testing.T) {
	for _, kind := range Kinds() {
		names := Names(kind)
		if len(names) < 4 {
			t.Errorf("%s: %v, want more", kind, names)
		}
		for _, name := range names {
			topic, err := Find(kind, name)
			if err != nil || topic.Text == "" {
				t.Errorf("%s %s: got %+v, %v", kind, name, topic, err)
			}
			for _, f := range topic.Fields {
				if f.Text == "" || f.Type == "" {
					t.Errorf("%s %s: field %+v", kind, name, f)
				}
			}
		}
	}
}

func TestStepsHaveExamplesThatDecode(t *testing.T) {
	for _, name := range Names("step") {
		topic, err := Find("step", name)
		if err != nil || topic.Example == "" || !strings.Contains(topic.Example, name+":") {
			t.Errorf("step %s: %+v, %v", name, topic, err)
		}
	}
}

func TestRulesAreThoseOfRecipes(t *testing.T) {
	for _, rule := range recipes.Rules() {
		topic, err := Find("rule", rule)
		if err != nil || topic.Text == "about the finished image" {
			t.Errorf("rule %s: %+v, %v", rule, topic, err)
		}
	}
}

func TestFindUnknown(t *testing.T) {
	for _, c := range []struct{ kind, name, want string }{
		{"step", "golang", `did you mean "go"?`},
		{"field", "image.usr", `did you mean "image.user"?`},
		{"field", "build.steps[0].go.outptu", `did you mean "build.steps[0].go.output"?`},
		{"field", "name.x", `did you mean "name"?`},
		{"rule", "setuids", `did you mean "setuid"?`},
		{"stepp", "go", `did you mean "step"?`},
	} {
		_, err := Find(c.kind, c.name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !strings.HasPrefix(unknown.Hint(), c.want) {
			t.Errorf("%s %s: got %v, want the hint %q", c.kind, c.name, err, c.want)
		}
	}
}

func ExampleFind() {
	t, err := Find("field", "image.user")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Type, t.Default)
	// Output: text, number, true or false 65532:65532
}
