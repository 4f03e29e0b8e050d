package collect

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormsOfPolicyDocuments(t *testing.T) {
	t.Parallel()
	type statement struct {
		Action    Texts
		Principal Principals
	}
	type policy struct{ Statement OneOrMany[statement] }
	for text, want := range map[string]policy{
		`{"Statement": {"Action": "a:B", "Principal": "*"}}`: {OneOrMany[statement]{{Action: Texts{"a:B"}, Principal: Principals{"AWS": {"*"}}}}},
		`{"Statement": [{"Action": ["a:B", "a:C"], "Principal": {"Service": "s", "AWS": ["1", "2"]}}]}`: {OneOrMany[statement]{
			{Action: Texts{"a:B", "a:C"}, Principal: Principals{"Service": {"s"}, "AWS": {"1", "2"}}},
		}},
		`{"Statement": [{"Action": null}]}`: {OneOrMany[statement]{{}}},
		`{"Statement": []}`:                 {OneOrMany[statement]{}},
		`{}`:                                {},
	} {
		var got policy
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{`{"Statement": 7}`, `{"Statement": [{"Action": 7}]}`, `{"Statement": [{"Principal": 7}]}`, `{"Statement": "x"}`} {
		if err := json.Unmarshal([]byte(text), &policy{}); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
