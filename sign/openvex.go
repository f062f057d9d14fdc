package sign

// openVEX is whether the type is that of an OpenVEX document: others name a
// version as well.
func openVEX(predicateType string) bool {
	return predicateType == PredicateVEX || predicateType == PredicateVEX+"/v0.2.0"
}

// OpenVEX are the OpenVEX documents among the statements.
func OpenVEX(all []Statement) []Statement {
	var list []Statement
	for _, s := range all {
		if openVEX(s.PredicateType) {
			list = append(list, s)
		}
	}
	return list
}
