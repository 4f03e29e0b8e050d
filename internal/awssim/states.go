package awssim

import "slices"

// statesService is Step Functions: buckets of control-plane requests
// (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
func statesService() *service {
	return &service{
		name: "states", prefix: "states", protocol: awsJSON10, target: "AWSStepFunctions",
		words: map[failure]wording{
			failValidation: {status: 400, code: "ValidationException"},
			failBadToken:   {status: 400, code: "InvalidToken"},
		},
		quotas: []quota{{name: "ListStateMachines", perSecond: 5, burst: 100}, {name: "DescribeStateMachine", perSecond: 20, burst: 200}},
		operations: []operation{
			{
				name: "ListStateMachines", quota: "ListStateMachines", run: listStateMachines, params: []param{{name: "maxResults", min: 0, max: 1000}},
				resource: func(c *call) string { return c.arn("states", "stateMachine:*") },
			},
			{
				name: "DescribeStateMachine", quota: "DescribeStateMachine", run: describeStateMachine, params: []param{{name: "stateMachineArn", required: true}},
				resource: func(c *call) string { return c.str("stateMachineArn") },
			},
		},
	}
}

func listStateMachines(c *call) (obj, error) {
	items, next, err := page(c, paging{token: "nextToken", limit: "maxResults", size: 100}, c.world().StateMachines)
	if err != nil {
		return nil, err
	}
	return compact(obj{"stateMachines": mapOf(items, func(m *StateMachine) obj {
		return obj{"stateMachineArn": m.ARN, "name": m.Name, "type": m.Type, "creationDate": m.CreatedAt}
	}), "nextToken": next}), nil
}

func describeStateMachine(c *call) (obj, error) {
	all := c.world().StateMachines
	i := slices.IndexFunc(all, func(m *StateMachine) bool { return m.ARN == c.str("stateMachineArn") })
	if i < 0 {
		return nil, errorf(400, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", c.str("stateMachineArn"))
	}
	m := all[i]
	logging := obj{"level": m.LoggingLevel, "includeExecutionData": false}
	if m.LoggingLevel != "OFF" {
		logging["destinations"] = []obj{{"cloudWatchLogsLogGroup": obj{"logGroupArn": c.arn("logs", "log-group:/aws/vendedlogs/states/"+m.Name+":*")}}}
	}
	return obj{
		"stateMachineArn": m.ARN, "name": m.Name, "type": m.Type, "status": "ACTIVE", "definition": m.Definition, "roleArn": m.RoleARN,
		"creationDate": m.CreatedAt, "loggingConfiguration": logging, "tracingConfiguration": obj{"enabled": m.Tracing},
		"encryptionConfiguration": obj{"type": "AWS_OWNED_KEY"},
	}, nil
}
