package sbom

import (
	"regexp"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// component converts a package without its files.
func (c *conversion) component(p *v2_3.Package) cdx.Component {
	component := cdx.Component{
		BOMRef: ref(p.PackageSPDXIdentifier), Type: componentType(p.PrimaryPackagePurpose),
		Name: p.PackageName, Version: p.PackageVersion, Description: p.PackageSummary,
		PackageURL: purlOf(p), Hashes: hashes(p.PackageChecksums), Supplier: organization(p.PackageSupplier),
	}
	if p.PackageCopyrightText != noAssertion {
		component.Copyright = p.PackageCopyrightText
	}
	if l := p.PackageLicenseDeclared; l != "" && l != noAssertion {
		component.Licenses = &cdx.Licenses{{Expression: l}}
	}
	component.ExternalReferences = references(p)
	component.Properties = c.rest(p)
	if c.build[p.PackageSPDXIdentifier] {
		component.Scope = cdx.ScopeExcluded
	}
	return component
}

// rest is what a package says that has no field.
func (c *conversion) rest(p *v2_3.Package) *[]cdx.Property {
	pairs := []string{
		"spdx:purpose", p.PrimaryPackagePurpose, "spdx:comment", p.PackageComment, "spdx:description", p.PackageDescription,
		"spdx:sourceInfo", p.PackageSourceInfo, "spdx:fileName", p.PackageFileName, "spdx:licenseComments", p.PackageLicenseComments,
		"spdx:downloadLocation", p.PackageDownloadLocation, "spdx:licenseConcluded", p.PackageLicenseConcluded,
	}
	if p.PackageVerificationCode != nil {
		pairs = append(pairs, "spdx:verificationCode", p.PackageVerificationCode.Value)
	}
	if s := p.PackageSupplier; s != nil && s.SupplierType == "Person" {
		pairs = append(pairs, "spdx:supplierType", s.SupplierType)
	}
	first := purlOf(p)
	for _, r := range p.PackageExternalReferences {
		if r.Locator != first {
			pairs = append(pairs, "spdx:externalRef:"+r.RefType, r.Locator)
		}
	}
	for _, o := range c.others[p.PackageSPDXIdentifier] {
		pairs = append(pairs, "spdx:relationship", o)
	}
	return properties(pairs...)
}

// componentType is that of a package by its purpose. There is none for source
// code, whose purpose is a property.
func componentType(purpose string) cdx.ComponentType {
	switch purpose {
	case "APPLICATION":
		return cdx.ComponentTypeApplication
	case "CONTAINER":
		return cdx.ComponentTypeContainer
	case "OPERATING_SYSTEM", "OPERATING-SYSTEM": // in JSON, and in the prose of the specification
		return cdx.ComponentTypeOS
	}
	return cdx.ComponentTypeLibrary
}

var mailAddress = regexp.MustCompile(`^(.*) \(([^()\s]+@[^()\s]+)\)$`)

// organization is a supplier. The address behind a name becomes a contact.
func organization(s *common.Supplier) *cdx.OrganizationalEntity {
	if s == nil || s.Supplier == "" || s.Supplier == noAssertion {
		return nil
	}
	m := mailAddress.FindStringSubmatch(s.Supplier)
	if m == nil {
		return &cdx.OrganizationalEntity{Name: s.Supplier}
	}
	return &cdx.OrganizationalEntity{Name: m[1], Contact: &[]cdx.OrganizationalContact{{Name: m[1], Email: m[2]}}}
}

// references are the home page, and where source code was had as a URL.
func references(p *v2_3.Package) *[]cdx.ExternalReference {
	var list []cdx.ExternalReference
	if u := p.PackageHomePage; strings.HasPrefix(u, "http") {
		list = append(list, cdx.ExternalReference{Type: cdx.ERTypeWebsite, URL: u})
	}
	if u := p.PackageDownloadLocation; strings.HasPrefix(u, "http") {
		list = append(list, cdx.ExternalReference{Type: cdx.ERTypeDistribution, URL: u})
	}
	if list == nil {
		return nil
	}
	return &list
}
