package osv

import (
	"encoding/json"
	"testing"
)

func TestRating(t *testing.T) {
	for _, tt := range []struct {
		name, record string
		want         Level
		score        float64
	}{
		{"3.1", `{"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}`, Critical, 9.8},
		{"3.0", `{"severity": [{"type": "CVSS_V3", "score": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]}`, High, 7.5},
		{"4.0", `{"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]}`, Critical, 9.3},
		{"2.0", `{"severity": [{"type": "CVSS_V2", "score": "AV:L/AC:H/Au:N/C:P/I:N/A:N"}]}`, Low, 1.2},
		{"no impact", `{"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}]}`, None, 0},
		{"the worst of several", `{"severity": [{"type": "CVSS_V2", "score": "AV:L/AC:H/Au:N/C:P/I:N/A:N"}, {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]}`, High, 7.5},
		{"a word", `{"database_specific": {"severity": "MODERATE"}}`, Medium, 0},
		{"a vector before a word", `{"severity": [{"type": "CVSS_V2", "score": "AV:L/AC:H/Au:N/C:P/I:N/A:N"}], "database_specific": {"severity": "CRITICAL"}}`, Low, 1.2},
		{"nothing", `{}`, Unknown, 0},
		{"no vector", `{"severity": [{"type": "CVSS_V3", "score": "high"}]}`, Unknown, 0},
		{"other fields", `{"database_specific": {"severity": 7}}`, Unknown, 0},
		{"no object", `{"database_specific": [1]}`, Unknown, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var a Advisory
			if err := json.Unmarshal([]byte(tt.record), &a); err != nil {
				t.Fatal(err)
			}
			if got := a.Rating(nil); got.Level != tt.want || got.Score != tt.score {
				t.Errorf("got %+v, want %s %.1f", got, tt.want, tt.score)
			}
		})
	}
	var p Affected
	if err := json.Unmarshal([]byte(`{"ecosystem_specific": {"urgency": "medium"}}`), &p); err != nil {
		t.Fatal(err)
	}
	if got := (&Advisory{}).Rating([]*Affected{&p}); got.Level != Medium {
		t.Errorf("Debian's urgency: got %+v, want medium", got)
	}
}

func TestAtLeast(t *testing.T) {
	for _, l := range []Level{High, Critical, Unknown} {
		if !l.AtLeast(High) {
			t.Errorf("%s must count where high does", l)
		}
	}
	for _, l := range []Level{None, Low, Medium} {
		if l.AtLeast(High) {
			t.Errorf("%s must not count as high", l)
		}
	}
}
