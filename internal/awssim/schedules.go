package awssim

import (
	"net/http"
	"slices"
	"strings"
)

// schedulerService is EventBridge Scheduler
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html).
func schedulerService() *service {
	return &service{
		name: "scheduler", prefix: "scheduler", protocol: restJSON,
		words: map[failure]wording{
			failThrottled:  {status: 429, code: "ThrottlingException"},
			failValidation: {status: 400, code: "ValidationException"},
			failBadToken:   {status: 400, code: "ValidationException"},
			failInternal:   {status: 500, code: "InternalServerException"},
		},
		quotas: []quota{{name: "requests", perSecond: 10}, {name: "GetSchedule", perSecond: 250}},
		operations: []operation{
			{
				name: "ListSchedules", method: http.MethodGet, path: "/schedules", run: listSchedules,
				params: []param{{name: "MaxResults", min: 1, max: 100}}, resource: func(c *call) string { return c.arn("scheduler", "schedule/*/*") },
			},
			{
				name: "GetSchedule", quota: "GetSchedule", method: http.MethodGet, path: "/schedules/{Name}", run: getSchedule,
				params: []param{{name: "Name", required: true}}, resource: func(c *call) string { return c.arn("scheduler", "schedule/"+c.scheduleGroup()+"/"+c.str("Name")) },
			},
		},
	}
}

// scheduleGroup is the group a request names, or the one that always is.
func (c *call) scheduleGroup() string {
	if group := c.str("groupName"); group != "" {
		return group
	}
	return "default"
}

func listSchedules(c *call) (obj, error) {
	all := slices.DeleteFunc(slices.Clone(c.world().Schedules), func(s *Schedule) bool {
		group, state := c.str("ScheduleGroup"), c.str("State")
		return group != "" && s.Group != group || state != "" && s.State != state || !strings.HasPrefix(s.Name, c.str("NamePrefix"))
	})
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 100}, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Schedules": mapOf(items, func(s *Schedule) obj {
		return obj{
			"Arn": s.ARN, "Name": s.Name, "GroupName": s.Group, "State": s.State, "CreationDate": s.CreatedAt,
			"LastModificationDate": s.CreatedAt, "Target": obj{"Arn": s.TargetARN},
		}
	}), "NextToken": next}), nil
}

func getSchedule(c *call) (obj, error) {
	all := c.world().Schedules
	i := slices.IndexFunc(all, func(s *Schedule) bool { return s.Name == c.str("Name") && s.Group == c.scheduleGroup() })
	if i < 0 {
		return nil, errorf(404, "ResourceNotFoundException", "Schedule %s does not exist.", c.str("Name"))
	}
	s := all[i]
	window := obj{"Mode": "OFF"}
	if s.FlexibleMinutes > 0 {
		window = obj{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": s.FlexibleMinutes}
	}
	target := obj{"Arn": s.TargetARN, "RoleArn": s.RoleARN, "Input": text(s.Input)}
	if s.DLQARN != "" {
		target["DeadLetterConfig"] = obj{"Arn": s.DLQARN}
	}
	if s.MaximumAgeS != nil || s.MaximumRetries != nil {
		target["RetryPolicy"] = compact(obj{"MaximumEventAgeInSeconds": deref(s.MaximumAgeS), "MaximumRetryAttempts": deref(s.MaximumRetries)})
	}
	return obj{
		"Arn": s.ARN, "Name": s.Name, "GroupName": s.Group, "State": s.State, "ScheduleExpression": s.Expression,
		"ScheduleExpressionTimezone": s.Timezone, "FlexibleTimeWindow": window, "ActionAfterCompletion": "NONE",
		"CreationDate": s.CreatedAt, "LastModificationDate": s.CreatedAt, "Target": compact(target),
	}, nil
}
