package awssim

import (
	"slices"
	"strings"
)

// eventsService is EventBridge: fifty requests a second of its control plane
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
func eventsService() *service {
	limit := param{name: "Limit", min: 1, max: 100}
	return &service{
		name: "events", prefix: "events", protocol: awsJSON11, target: "AWSEvents",
		words:  map[failure]wording{failInternal: {status: 500, code: "InternalException"}},
		quotas: []quota{{name: "requests", perSecond: 50}},
		operations: []operation{
			{name: "ListEventBuses", run: listEventBuses, params: []param{limit}, resource: func(c *call) string { return c.arn("events", "event-bus/*") }},
			{name: "ListRules", run: listRules, params: []param{limit}, resource: func(c *call) string { return c.arn("events", "rule/*") }},
			{name: "ListTargetsByRule", run: listTargetsByRule, params: []param{{name: "Rule", required: true}, limit}, resource: ruleResource},
			{name: "ListArchives", run: listArchives, params: []param{limit}, resource: func(c *call) string { return c.arn("events", "archive/*") }},
			{name: "DescribeRule", run: describeRule, params: []param{{name: "Name", required: true}}, resource: ruleResource},
		},
	}
}

const defaultBus = "default"

// bus is the name of the asked bus; a request may give an ARN.
func (c *call) bus() string {
	name := c.str("EventBusName")
	if name == "" {
		return defaultBus
	}
	return name[strings.LastIndex(name, "/")+1:]
}

func ruleResource(c *call) string {
	name := c.str("Rule") + c.str("Name")
	if bus := c.bus(); bus != defaultBus {
		name = bus + "/" + name
	}
	return c.arn("events", "rule/"+name)
}

var eventPages = paging{token: "NextToken", limit: "Limit", size: 100}

func listEventBuses(c *call) (obj, error) {
	all := slices.DeleteFunc(slices.Clone(c.world().EventBuses), func(b *EventBus) bool { return !strings.HasPrefix(b.Name, c.str("NamePrefix")) })
	if len(c.world().EventBuses) == 0 && strings.HasPrefix(defaultBus, c.str("NamePrefix")) { // every region has one
		all = append(all, &EventBus{Name: defaultBus, ARN: c.arn("events", "event-bus/"+defaultBus)})
	}
	items, next, err := page(c, eventPages, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"EventBuses": mapOf(items, c.eventBus), "NextToken": next}), nil
}

// needBus refuses a bus that does not exist.
func (c *call) needBus() error {
	bus := c.bus()
	if bus == defaultBus || slices.ContainsFunc(c.world().EventBuses, func(b *EventBus) bool { return b.Name == bus }) {
		return nil
	}
	return errorf(400, "ResourceNotFoundException", "Event bus %s does not exist.", bus)
}

func listRules(c *call) (obj, error) {
	if err := c.needBus(); err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Clone(c.world().Rules), func(r *Rule) bool {
		return r.busName() != c.bus() || !strings.HasPrefix(r.Name, c.str("NamePrefix"))
	})
	items, next, err := page(c, eventPages, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Rules": mapOf(items, rule), "NextToken": next}), nil
}

func (r *Rule) busName() string {
	if r.Bus == "" {
		return defaultBus
	}
	return r.Bus
}

func rule(r *Rule) obj {
	return compact(obj{
		"Name": r.Name, "Arn": r.ARN, "State": r.State, "EventBusName": r.busName(), "Description": text(r.Description),
		"EventPattern": text(r.Pattern), "ScheduleExpression": text(r.Schedule),
	})
}

// rule finds the rule a request names.
func (c *call) rule(name string) (*Rule, error) {
	if err := c.needBus(); err != nil {
		return nil, err
	}
	all := c.world().Rules
	i := slices.IndexFunc(all, func(r *Rule) bool { return r.Name == name && r.busName() == c.bus() })
	if i < 0 {
		return nil, errorf(400, "ResourceNotFoundException", "Rule %s does not exist on EventBus %s.", name, c.bus())
	}
	return all[i], nil
}

func describeRule(c *call) (obj, error) {
	r, err := c.rule(c.str("Name"))
	if err != nil {
		return nil, err
	}
	o := rule(r)
	o["CreatedBy"] = c.account()
	return o, nil
}

func listTargetsByRule(c *call) (obj, error) {
	r, err := c.rule(c.str("Rule"))
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, eventPages, r.Targets)
	if err != nil {
		return nil, err
	}
	targets := mapOf(items, func(t Target) obj {
		o := obj{"Id": t.ID, "Arn": t.ARN, "RoleArn": text(t.RoleARN), "Input": text(t.Input)}
		if t.DLQARN != "" {
			o["DeadLetterConfig"] = obj{"Arn": t.DLQARN}
		}
		return compact(o)
	})
	return compact(obj{"Targets": targets, "NextToken": next}), nil
}

func (c *call) eventBus(b *EventBus) obj {
	return compact(obj{"Name": b.Name, "Arn": b.ARN, "Policy": text(c.world().BusPolicies[b.Name])})
}

func listArchives(c *call) (obj, error) {
	all := slices.DeleteFunc(slices.Clone(c.world().Archives), func(a *Archive) bool {
		bus := c.str("EventSourceArn")
		return !strings.HasPrefix(a.Name, c.str("NamePrefix")) || bus != "" && a.BusARN != bus
	})
	items, next, err := page(c, eventPages, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Archives": mapOf(items, func(a *Archive) obj {
		return obj{
			"ArchiveName": a.Name, "EventSourceArn": a.BusARN, "State": a.State, "RetentionDays": a.RetentionDays,
			"EventCount": a.Events, "SizeBytes": a.Bytes, "CreationTime": a.CreatedAt,
		}
	}), "NextToken": next}), nil
}
