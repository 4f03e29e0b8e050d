package layers

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

type statement struct {
	Sid       string
	Effect    string
	Principal collect.Principals
	Action    collect.Texts
	Condition map[string]map[string]collect.Texts
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
	var policy struct {
		Statement collect.OneOrMany[statement]
	}
	if json.Unmarshal([]byte(document), &policy) != nil {
		return nil, errors.New("the layer's policy is not an IAM policy document")
	}
	var rows []schema.LayerPolicy
	for _, s := range policy.Statement {
		for _, principal := range s.Principal["AWS"] { // the only kind that layers know
			rows = append(rows, schema.LayerPolicy{
				Account: l.Account, Region: l.Region, LayerARN: v.row.LayerARN, Version: v.row.Version, SID: s.Sid, Effect: s.Effect,
				Principal: principal, Organization: s.organization(), Actions: s.Action,
				Outside: s.Effect == "Allow" && outside(l.Account, principal), CollectedAt: l.Now,
			})
		}
	}
	return rows, nil
}
