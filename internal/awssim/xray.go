package awssim

import "time"

// xrayService is X-Ray. AWS publishes no number for its requests; ten a second
// is a choice.
func xrayService() *service {
	return &service{
		name: "xray", prefix: "xray", protocol: restJSON,
		words: map[failure]wording{
			failThrottled:  {status: 429, code: "ThrottledException"},
			failValidation: {status: 400, code: "InvalidRequestException"},
			failBadToken:   {status: 400, code: "InvalidRequestException"},
		},
		quotas:     []quota{{name: "requests", perSecond: 10}},
		operations: []operation{{name: "GetSamplingRules", method: "POST", path: "/GetSamplingRules", run: getSamplingRules}},
	}
}

// defaultRule is the rule that every region has: one request a second and a
// twentieth of the others.
func (c *call) defaultRule() *SamplingRule {
	return &SamplingRule{
		Name: "Default", ARN: c.arn("xray", "sampling-rule/Default"), Priority: 10_000, Reservoir: 1, Rate: 0.05,
		Service: "*", Type: "*", Host: "*", Method: "*", Path: "*", Resource: "*", ModifiedAt: time.Unix(0, 0).UTC(),
	}
}

func getSamplingRules(c *call) (obj, error) {
	all := append([]*SamplingRule{c.defaultRule()}, c.world().SamplingRules...)
	items, next, err := page(c, paging{token: "NextToken", size: 25}, all)
	if err != nil {
		return nil, err
	}
	records := mapOf(items, func(r *SamplingRule) obj {
		return obj{"CreatedAt": r.ModifiedAt, "ModifiedAt": r.ModifiedAt, "SamplingRule": obj{
			"RuleName": r.Name, "RuleARN": r.ARN, "Priority": r.Priority, "ReservoirSize": r.Reservoir, "FixedRate": r.Rate, "ServiceName": r.Service,
			"ServiceType": r.Type, "Host": r.Host, "HTTPMethod": r.Method, "URLPath": r.Path, "ResourceARN": r.Resource, "Version": 1, "Attributes": map[string]string{},
		}}
	})
	return compact(obj{"SamplingRuleRecords": records, "NextToken": next}), nil
}
