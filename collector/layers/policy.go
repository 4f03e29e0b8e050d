package layers

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// texts is a JSON string or list of strings: IAM writes either.
type texts []string

// UnmarshalJSON reads either form.
func (l *texts) UnmarshalJSON(raw []byte) error {
	var one string
	if err := json.Unmarshal(raw, &one); err == nil {
		*l = texts{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// principals are "*" or lists by type, of which layers know AWS's alone.
type principals []string

// UnmarshalJSON reads either form.
func (p *principals) UnmarshalJSON(raw []byte) error {
	var all string
	if err := json.Unmarshal(raw, &all); err == nil {
		*p = principals{all}
		return nil
	}
	var byType map[string]texts
	err := json.Unmarshal(raw, &byType)
	*p = principals(byType["AWS"])
	return err
}

type statement struct {
	Sid       string
	Effect    string
	Principal principals
	Action    texts
	Condition map[string]map[string]texts
}

// organization is what the statement demands of aws:PrincipalOrgID.
func (s statement) organization() string {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if strings.EqualFold(key, "aws:PrincipalOrgID") && !strings.Contains(strings.ToLower(operator), "not") {
				return strings.Join(values, ",")
			}
		}
	}
	return ""
}

// statements are a policy's, one row for each principal.
func (l *reader) statements(v *version, document string) ([]schema.LayerPolicy, error) {
	var policy struct{ Statement []statement }
	if json.Unmarshal([]byte(document), &policy) != nil {
		return nil, errors.New("the layer's policy is not an IAM policy document")
	}
	var rows []schema.LayerPolicy
	for _, s := range policy.Statement {
		for _, principal := range s.Principal {
			rows = append(rows, schema.LayerPolicy{
				Account: l.Account, Region: l.Region, LayerARN: v.row.LayerARN, Version: v.row.Version, SID: s.Sid, Effect: s.Effect,
				Principal: principal, Organization: s.organization(), Actions: s.Action,
				Outside: s.Effect == "Allow" && outside(l.Account, principal), CollectedAt: l.Now,
			})
		}
	}
	return rows, nil
}
