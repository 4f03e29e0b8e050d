package awssim

import (
	"strings"
)

// simulatePrincipalPolicy says which actions the account's policies allow a
// principal: what is not among the server's denials. In a member account that
// is what the organisation's policies leave.
func simulatePrincipalPolicy(c *call) (obj, error) {
	principal := c.str("PolicySourceArn")
	if !strings.Contains(principal, ":iam::") {
		return nil, errorf(400, "InvalidInput", "Invalid Entity Arn: %s does not clearly define entity type and name.", principal)
	}
	items, next, err := page(c, iamPages, c.strings("ActionNames"))
	if err != nil {
		return nil, err
	}
	results := mapOf(items, func(action string) obj {
		decision := "allowed"
		if denied(c.server.options.Deny, action, "*") {
			decision = "implicitDeny"
		}
		return obj{"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": decision, "MatchedStatements": []obj{}, "MissingContextValues": []string{}}
	})
	return compact(obj{"EvaluationResults": results, "IsTruncated": next != nil, "Marker": next}), nil
}
