package recipes

import (
	"regexp"
	"strings"
)

// form is what a text must look like: one of the enum, or the pattern.
type form struct {
	enum    []string
	pattern string
}

// formOf is the form that the checks ask of the text at a field.
func formOf(id string) form {
	is := func(re *regexp.Regexp) form { return form{pattern: re.String()} }
	const byDigest, url = `@sha256:[0-9a-f]{64}$`, `^https?://[^ ]+$`
	switch id {
	case "Recipe.Kiln", "Config.Kiln", "VEX.Kiln":
		return form{enum: []string{FormatVersion}}
	case "Recipe.Name":
		return is(nameForm)
	case "Recipe.Version":
		return is(tagForm)
	case "Recipe.Homepage", "Recipe.Upstream", "ArchiveSource.URL", "ArchiveSource.Mirrors", "Update.Page", "Update.Changelog", "Update.Checksums":
		return form{pattern: url}
	case "Recipe.Suite", "Defaults.Suite":
		return is(codename)
	case "Recipe.Summary":
		return form{pattern: `^[^\n]+$`}
	case "Image.StopSignal":
		return form{pattern: "^SIG[A-Z]"}
	case "CatalogConfig.Tags":
		return form{enum: CatalogTags()}
	case "Recipe.Platforms", "Defaults.Platforms":
		return form{enum: platforms()}
	case "ArchiveSource.SHA256":
		return is(sha256Form)
	case "GitSource.Commit":
		return is(commitForm)
	case "Update.Npm":
		return is(npmForm)
	case "Update.Channel":
		return is(channelForm)
	case "Update.Tags":
		return form{pattern: `\$\{version\}`}
	case "Update.Regexp":
		return form{pattern: `\(`}
	case "DebianSource.Package", "Image.Packages", "Update.Debian":
		return is(debianName)
	case "Build.Packages":
		return form{pattern: strings.TrimSuffix(debianName.String(), "$") + "(:(native|any))?$"}
	case "DebianSource.Version":
		return is(debianVersion)
	case "DebianSource.Suite":
		return is(anySuite)
	case "Build.Image":
		return form{pattern: byDigest}
	case "Build.Toolchain":
		version := strings.Trim(toolForm.String(), "^$")
		return form{enum: Toolchains(), pattern: "^(" + strings.Join(Toolchains(), "|") + ")@" + version + "$"}
	case "Image.Base":
		return form{enum: Bases(), pattern: byDigest + "|" + javaBase.String()}
	case "Image.User":
		return is(userForm)
	case "Image.Ports":
		return is(portForm)
	case "Image.Home", "Image.Volumes", "GoStep.Output":
		return form{pattern: "^/."}
	case "Image.Workdir":
		return form{pattern: "^/"}
	case "GoStep.Tags":
		return is(buildTag)
	case "Runtime.Capabilities":
		return form{enum: Capabilities()}
	case "Runtime.Memory":
		return is(memoryForm)
	case "Runtime.CPU":
		return is(cpuForm)
	case "Runtime.Writable", "FileTest.Path":
		return form{pattern: "^/"}
	case "HTTPTest.Path":
		return form{pattern: "^/|^$"}
	case "HTTPTest.Method":
		return form{pattern: methodForm.String() + "|^$"}
	case "FileTest.Type":
		return form{enum: fileTypes()}
	case "FileTest.Mode":
		return is(modeForm)
	case "FileTest.Owner", "MetadataTest.User":
		return is(userForm)
	case "MetadataTest.Ports":
		return is(portForm)
	case "Test.Ready", "Test.Timeout":
		return form{pattern: `^[0-9]`}
	case "Test.StructureTest":
		return form{pattern: "^[^/]"}
	case "Allow.Rule":
		return form{enum: Rules()}
	}
	if strings.HasSuffix(id, ".Dir") {
		return form{pattern: "^[^/]|^$"}
	}
	return form{}
}

// bounds are the limits of numbers and of a text's length.
func bounds(id string) object {
	return map[string]object{
		"Recipe.Name":         {{"maxLength", 128}},
		"ArchiveSource.Strip": {{"minimum", 0}, {"maximum", 64}},
		"Test.Exit":           {{"minimum", 0}, {"maximum", 255}},
		"Image.Ports":         {{"minimum", 1}, {"maximum", 65535}},
		"HTTPTest.Port":       {{"minimum", 1}, {"maximum", 65535}},
		"HTTPTest.Status":     {{"minimum", 200}, {"maximum", 599}},
		"TCPTest.Port":        {{"minimum", 1}, {"maximum", 65535}},
		"Runtime.Pids":        {{"minimum", 1}, {"maximum", 1 << 22}},
	}[id]
}

// lengthOf is how many entries a list may have.
func lengthOf(id string) object {
	switch id {
	case "Recipe.Platforms", "Test.HTTP", "Test.TCP", "Test.Files", "Test.Run", "Test.Start":
		return object{{"minItems", 1}}
	}
	return nil
}

// namesOf is the form of the names of a mapping.
func namesOf(id string) object {
	pattern := func(re *regexp.Regexp) object {
		return object{{"propertyNames", object{{"pattern", re.String()}}}}
	}
	switch {
	case id == "Recipe.Vars":
		return pattern(varForm)
	case id == "MakeStep.Vars":
		return pattern(makeVarForm)
	case id == "HTTPTest.Headers", id == "HTTPTest.ExpectHeaders":
		return pattern(headerForm)
	case strings.HasSuffix(id, ".Env"):
		return pattern(envForm)
	}
	return nil
}

// furtherForms are rules about several fields of a struct.
func furtherForms(typ string) object {
	switch typ {
	case "GitSource":
		return object{{"anyOf", requireEach([]string{"ref", "commit"})}}
	case "Update":
		kinds := requireEach([]string{"go", "npm", "git", "page", "debian"})
		none := object{{"not", object{{"anyOf", kinds}}}}
		return object{
			{"oneOf", append(kinds, none)},
			{"dependencies", object{{"tags", []string{"git"}}, {"regexp", []string{"page"}}, {"page", []string{"regexp"}}}},
		}
	case "Build":
		return object{{"not", object{{"required", []string{"image", "toolchain"}}}}}
	}
	return nil
}
