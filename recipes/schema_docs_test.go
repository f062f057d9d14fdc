package recipes

import (
	"bytes"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gopkg.in/yaml.v3"
)

// docs are the comments of this package's types, of their fields ("T.Field"),
// and of string constants, by value.
type docs map[string]string

func readDocs(t *testing.T) docs {
	t.Helper()
	pkgs, err := parser.ParseDir(token.NewFileSet(), ".", func(fi fs.FileInfo) bool { //nolint:staticcheck // one package without build tags
		return !strings.HasSuffix(fi.Name(), "_test.go")
	}, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	d := docs{}
	for _, f := range pkgs["recipes"].Files {
		for _, decl := range f.Decls {
			if g, ok := decl.(*ast.GenDecl); ok {
				d.declaration(g)
			}
		}
	}
	return d
}

func (d docs) declaration(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			text := s.Doc.Text()
			if len(g.Specs) == 1 && text == "" {
				text = g.Doc.Text()
			}
			d[s.Name.Name] = text
			if st, ok := s.Type.(*ast.StructType); ok {
				d.fields(s.Name.Name, st)
			}
		case *ast.ValueSpec:
			for i, v := range s.Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					d["= "+s.Names[i].Name+" "+strings.Trim(lit.Value, `"`)] = s.Doc.Text()
				}
			}
		}
	}
}

func (d docs) fields(typ string, st *ast.StructType) {
	for _, f := range st.Fields.List {
		for _, n := range f.Names {
			d[typ+"."+n.Name] = f.Doc.Text()
		}
	}
}

// ofType is a type's comment without its name: what one of it is or does.
func (d docs) ofType(t *testing.T, typ reflect.Type) string {
	t.Helper()
	text := d[typ.Name()]
	if text == "" {
		t.Errorf("%s has no comment, which its description in the schema is taken from", typ.Name())
		return ""
	}
	text = strings.TrimPrefix(text, typ.Name()+" ")
	text = strings.TrimPrefix(text, "is ")
	return d.clean(typ, upper(text))
}

// example is the indented text of a type's comment.
func (d docs) example(typ reflect.Type) string {
	var p comment.Parser
	for _, block := range p.Parse(d[typ.Name()]).Content {
		if code, ok := block.(*comment.Code); ok {
			return code.Text
		}
	}
	return ""
}

// ofField is a field's comment.
func (d docs) ofField(t *testing.T, typ reflect.Type, f reflect.StructField) string {
	t.Helper()
	elem := f.Type
	if elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	text := d[typ.Name()+"."+f.Name]
	switch {
	case text != "":
		return withoutName(d.clean(typ, text), fieldName(f))
	case elem.Kind() == reflect.Struct:
		return d.ofType(t, elem)
	}
	if text := d.inherited(typ, f.Name); text != "" {
		return withoutName(d.clean(typ, text), fieldName(f))
	}
	t.Errorf("%s.%s has no comment, which its description in the schema is taken from", typ.Name(), f.Name)
	return ""
}

// inherited is the comment of another field that speaks of this one too: the
// first of its name in another step, or one of the same struct that names it.
func (d docs) inherited(typ reflect.Type, name string) string {
	step := reflect.TypeFor[Step]()
	for _, f := range fieldsOf(step) {
		other := step.FieldByIndex(f.index).Type
		if other.Kind() == reflect.Pointer && strings.HasSuffix(typ.Name(), "Step") {
			if text := d[other.Elem().Name()+"."+name]; text != "" {
				return text
			}
		}
	}
	named := regexp.MustCompile(`\b` + name + `\b`)
	for _, f := range reflect.VisibleFields(typ) {
		if text := d[typ.Name()+"."+f.Name]; f.Type == fieldType(typ, name) && named.MatchString(text) {
			return text
		}
	}
	return ""
}

// withoutName leaves out what stands before the text already: "The folder"
// for "dir is the folder".
func withoutName(text, name string) string {
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(text, name+verb); ok {
			return upper(rest)
		}
	}
	return text
}

func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func fieldType(typ reflect.Type, name string) reflect.Type {
	f, _ := typ.FieldByName(name)
	return f.Type
}

// ofValues are the comments of the constants with the values, if all have one.
func (d docs) ofValues(values []string) []string {
	var list []string
	for _, v := range values {
		text := ""
		for key, doc := range d {
			if name, ok := strings.CutSuffix(key, " "+v); ok && strings.HasPrefix(name, "= Rule") {
				text = strings.TrimPrefix(doc, strings.TrimPrefix(name, "= ")+": ")
			}
		}
		if text == "" {
			return nil
		}
		list = append(list, oneLine(upper(text)))
	}
	return list
}

// clean is the first paragraph, with fields called what recipes call them.
func (d docs) clean(typ reflect.Type, text string) string {
	text = regexp.MustCompile(`[^.]*\[[A-Z]\w*\][^.]*\.`).ReplaceAllLiteralString(text, "") // for those who write Go
	var p comment.Parser
	var pr comment.Printer
	doc := p.Parse(text)
	doc.Content = doc.Content[:min(1, len(doc.Content))]
	text = string(pr.Text(doc))
	for _, f := range fieldsOf(typ) {
		name := typ.FieldByIndex(f.index).Name
		text = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllLiteralString(text, f.name)
	}
	text = regexp.MustCompile(`\b[Nn]il is\b`).ReplaceAllLiteralString(text, "left out it is")
	return oneLine(text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func upper(text string) string {
	r := []rune(text)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// readExamples is, for types whose comment has no example, the shortest use of
// a step or source that shows something, in catalog and testdata/good.
func readExamples(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"catalog/*/recipe.yaml", "testdata/good/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			r, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			root := parseYAML(&problems{}, r.Raw)
			collectExamples(reflect.TypeFor[Recipe](), root, found)
		}
	}
	return found
}

func collectExamples(typ reflect.Type, n *yaml.Node, found map[string]string) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode {
		typ = typ.Elem()
		if n.Kind == yaml.SequenceNode {
			for _, c := range n.Content {
				collectExamples(typ, c, found)
			}
			return
		}
	}
	if typ.Kind() != reflect.Struct || n.Kind != yaml.MappingNode {
		return
	}
	kinds := kindFields(typ)
	for _, f := range fieldsOf(typ) {
		field := typ.FieldByIndex(f.index).Type
		each(n, func(key string, value *yaml.Node) {
			if key != f.name {
				return
			}
			if field.Kind() == reflect.Pointer && slices.Contains(kinds, key) {
				keepExample(field.Elem().Name(), n, found)
			}
			collectExamples(field, value, found)
		})
	}
}

func keepExample(name string, n *yaml.Node, found map[string]string) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode([]*yaml.Node{n}); err != nil {
		return
	}
	text := b.String()
	const little = 40 // bytes
	old := found[name]
	if len(text) >= little && (len(old) < little || len(text) < len(old)) || len(old) < len(text) && len(text) < little {
		found[name] = text
	}
}
