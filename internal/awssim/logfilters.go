package awssim

import (
	"slices"
	"strings"
)

// logFilterOperations tell what is made of log groups' events
// (quotas: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html).
func logFilterOperations() []operation {
	limit := param{name: "limit", min: 1, max: 50}
	return []operation{
		{name: "DescribeMetricFilters", quota: "DescribeMetricFilters", run: describeMetricFilters, resource: filteredGroup, params: []param{limit}},
		{
			name: "DescribeSubscriptionFilters", quota: "DescribeSubscriptionFilters", run: describeSubscriptionFilters, resource: filteredGroup,
			params: []param{{name: "logGroupName", required: true}, limit},
		},
		{
			name: "DescribeAccountPolicies", quota: "DescribeAccountPolicies", run: describeAccountPolicies, resource: anyLogs,
			params: []param{{name: "policyType", required: true}, {name: "accountIdentifiers", list: true, max: 20}},
		},
	}
}

func filteredGroup(c *call) string {
	return c.arn("logs", "log-group:"+c.str("logGroupName")+":log-stream:")
}

var logFilterPages = paging{token: "nextToken", limit: "limit", size: 50}

// needGroup refuses a log group that does not exist; none is all of them.
func (c *call) needGroup() error {
	name := c.str("logGroupName")
	if name == "" || slices.ContainsFunc(c.world().LogGroups(), func(g LogGroup) bool { return g.Name == name }) {
		return nil
	}
	return errorf(400, "ResourceNotFoundException", "The specified log group does not exist.")
}

func describeMetricFilters(c *call) (obj, error) {
	if err := c.needGroup(); err != nil {
		return nil, err
	}
	var found []obj
	for _, f := range c.world().MetricFilters {
		name := c.str("metricName")
		switch {
		case c.str("logGroupName") != "" && f.LogGroup != c.str("logGroupName"):
		case !strings.HasPrefix(f.Name, c.str("filterNamePrefix")):
		case name != "" && (name != f.Metric || c.str("metricNamespace") != f.Namespace):
		default:
			found = append(found, metricFilter(f))
		}
	}
	items, next, err := page(c, logFilterPages, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"metricFilters": items, "nextToken": next}), nil
}

func metricFilter(f *MetricFilter) obj {
	made := obj{"metricName": f.Metric, "metricNamespace": f.Namespace, "metricValue": "1"}
	if len(f.Dimensions) > 0 {
		made["dimensions"] = f.Dimensions
	} else {
		made["defaultValue"] = 0.0
	}
	return obj{
		"filterName": f.Name, "filterPattern": f.Pattern, "logGroupName": f.LogGroup, "creationTime": f.CreatedAt.UnixMilli(),
		"applyOnTransformedLogs": false, "metricTransformations": []obj{made},
	}
}

func describeSubscriptionFilters(c *call) (obj, error) {
	if err := c.needGroup(); err != nil {
		return nil, err
	}
	var found []obj
	for _, f := range c.world().SubscriptionFilters {
		if f.LogGroup == c.str("logGroupName") && strings.HasPrefix(f.Name, c.str("filterNamePrefix")) {
			found = append(found, obj{
				"filterName": f.Name, "filterPattern": f.Pattern, "logGroupName": f.LogGroup, "destinationArn": f.Destination,
				"distribution": "ByLogStream", "creationTime": f.CreatedAt.UnixMilli(), "applyOnTransformedLogs": false,
			})
		}
	}
	items, next, err := page(c, logFilterPages, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"subscriptionFilters": items, "nextToken": next}), nil
}

func describeAccountPolicies(c *call) (obj, error) {
	kind := c.str("policyType")
	known := []string{
		"DATA_PROTECTION_POLICY", "SUBSCRIPTION_FILTER_POLICY", "FIELD_INDEX_POLICY", "TRANSFORMER_POLICY", "METRIC_EXTRACTION_POLICY", "RETENTION_POLICY",
	}
	if !slices.Contains(known, kind) {
		return nil, c.fail(failValidation, "1 validation error detected: Value '%s' at 'policyType' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [%s]", kind, strings.Join(known, ", "))
	}
	var found []obj
	for _, p := range c.world().LogPolicies {
		if p.Type == kind && (c.str("policyName") == "" || c.str("policyName") == p.Name) {
			found = append(found, compact(obj{
				"policyName": p.Name, "policyType": p.Type, "policyDocument": p.Document, "scope": "ALL", "accountId": c.account(),
				"selectionCriteria": text(p.Criteria), "lastUpdatedTime": p.UpdatedAt.UnixMilli(),
			}))
		}
	}
	items, next, err := page(c, logFilterPages, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"accountPolicies": items, "nextToken": next}), nil
}
