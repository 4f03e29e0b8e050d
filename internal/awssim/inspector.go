package awssim

import (
	"slices"
)

// inspectorService is Amazon Inspector. AWS publishes no number for its
// requests; ten a second is a choice.
func inspectorService() *service {
	limit := param{name: "maxResults", min: 1, max: 200}
	return &service{
		name: "inspector2", prefix: "inspector2", protocol: restJSON,
		words: map[failure]wording{
			failThrottled:  {status: 429, code: "ThrottlingException"},
			failValidation: {status: 400, code: "ValidationException"},
			failBadToken:   {status: 400, code: "ValidationException"},
			failInternal:   {status: 500, code: "InternalServerException"},
		},
		quotas: []quota{{name: "requests", perSecond: 10}},
		operations: []operation{
			{name: "BatchGetAccountStatus", method: "POST", path: "/status/batch/get", run: batchGetAccountStatus, params: []param{{name: "accountIds", list: true, max: 100}}},
			{name: "ListCoverage", method: "POST", path: "/coverage/list", run: listCoverage, params: []param{limit}},
			{
				name: "ListFindingAggregations", method: "POST", path: "/findings/aggregation/list", run: listFindingAggregations,
				params: []param{limit, {name: "aggregationType", required: true}},
			},
		},
	}
}

func orDisabled(status string) string {
	if status == "" {
		return "DISABLED"
	}
	return status
}

func (i Inspector) enabled() bool { return i.Lambda == "ENABLED" }

// batchGetAccountStatus answers for the caller's own account alone: it
// administers no others.
func batchGetAccountStatus(c *call) (obj, error) {
	asked := c.strings("accountIds")
	accounts, failed := []obj{}, []obj{}
	if len(asked) == 0 {
		asked = []string{c.account()}
	}
	for _, id := range asked {
		if id != c.account() {
			failed = append(failed, obj{"accountId": id, "errorCode": "ACCESS_DENIED", "errorMessage": "The account is not a member."})
			continue
		}
		in := c.world().Inspector
		state := func(status string) obj { return obj{"status": orDisabled(status)} }
		accounts = append(accounts, obj{
			"accountId": id, "state": state(in.Lambda),
			"resourceState": obj{"ec2": state(""), "ecr": state(""), "lambda": state(in.Lambda), "lambdaCode": state(in.LambdaCode)},
		})
	}
	return obj{"accounts": accounts, "failedAccounts": failed}, nil
}

// filterFits reports whether a value fits a list of string filters, of which
// one must match.
func filterFits(filters []obj, value string) bool {
	if len(filters) == 0 {
		return true
	}
	return slices.ContainsFunc(filters, func(f obj) bool {
		want, _ := f["value"].(string)
		return (f["comparison"] == "EQUALS") == (want == value)
	})
}

func listCoverage(c *call) (obj, error) {
	if !c.world().Inspector.enabled() {
		return obj{"coveredResources": []obj{}}, nil
	}
	criteria := c.object("filterCriteria")
	var found []obj
	for _, v := range c.world().Inspector.Coverage {
		if !filterFits(objects(criteria["resourceType"]), "AWS_LAMBDA_FUNCTION") || !filterFits(objects(criteria["scanType"]), v.ScanType) {
			continue
		}
		o := obj{
			"accountId": c.account(), "resourceId": v.ResourceID, "resourceType": "AWS_LAMBDA_FUNCTION", "scanType": v.ScanType,
			"scanStatus":       obj{"statusCode": v.Status, "reason": v.Reason},
			"resourceMetadata": obj{"lambdaFunction": obj{"functionName": v.Function, "runtime": v.Runtime, "layers": []string{}, "functionTags": map[string]string{}}},
		}
		if !v.ScannedAt.IsZero() {
			o["lastScannedAt"] = v.ScannedAt
		}
		found = append(found, o)
	}
	items, next, err := page(c, paging{token: "nextToken", limit: "maxResults", size: 200}, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"coveredResources": items, "nextToken": next}), nil
}

// listFindingAggregations counts by function; the world has findings on nothing else.
func listFindingAggregations(c *call) (obj, error) {
	kind := c.str("aggregationType")
	var counts []*FindingCount
	if kind == "AWS_LAMBDA_FUNCTION" && c.world().Inspector.enabled() {
		counts = c.world().Inspector.Findings
	}
	items, next, err := page(c, paging{token: "nextToken", limit: "maxResults", size: 200}, counts)
	if err != nil {
		return nil, err
	}
	responses := mapOf(items, func(n *FindingCount) obj {
		return obj{"lambdaFunctionAggregation": obj{
			"accountId": c.account(), "resourceId": n.ResourceID, "functionName": n.Function,
			"severityCounts": obj{"all": n.Total, "critical": n.Critical, "high": n.High, "medium": n.Medium},
		}}
	})
	return compact(obj{"aggregationType": kind, "responses": responses, "nextToken": next}), nil
}
