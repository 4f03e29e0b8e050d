package awssim

// listedHours is how recently a metric must have had a point to be listed.
const listedHours = 14 * 24

// Metrics lists what has had a datapoint in the last two weeks, as ListMetrics does.
func (r *Region) Metrics() []MetricID {
	list := metricList{}
	for _, f := range r.Functions {
		r.listFunction(&list, f)
	}
	region := []string{"Invocations", "Errors", "Throttles", "ConcurrentExecutions", "UnreservedConcurrentExecutions"}
	if len(list) > 0 {
		list.add("AWS/Lambda", nil, region...)
		list.add("AWS/Lambda", nil, "ClaimedAccountConcurrency")
	}
	for _, q := range r.Queues {
		r.listQueue(&list, q)
	}
	for _, t := range r.Topics {
		if r.flowing(t.flows) {
			list.add("AWS/SNS", dims("TopicName", t.Name), "NumberOfMessagesPublished")
		}
	}
	for _, rule := range r.Rules {
		if r.flowing(rule.flows) {
			list.add("AWS/Events", rule.dims(), "Invocations", "TriggeredRules")
		}
	}
	for _, n := range r.NATGateways {
		list.add("AWS/NATGateway", dims("NatGatewayId", n.ID), "BytesOutToDestination", "BytesInFromSource",
			"BytesInFromDestination", "BytesOutToSource", "ActiveConnectionCount")
	}
	for _, g := range r.groups {
		for _, f := range r.names().groups[g.Name] {
			if r.active(f).invocations > 0 {
				list.add("AWS/Logs", dims("LogGroupName", g.Name), "IncomingBytes", "IncomingLogEvents")
				break
			}
		}
	}
	return list
}

type metricList []MetricID

func (l *metricList) add(namespace string, dims map[string]string, names ...string) {
	for _, name := range names {
		*l = append(*l, MetricID{namespace, name, dims})
	}
}

func dims(name, value string) map[string]string { return map[string]string{name: value} }

func (r *Region) listFunction(list *metricList, f *Function) {
	if f.load == nil {
		return
	}
	seen, of := r.active(f), dims("FunctionName", f.Name)
	if seen.throttles > 0 && seen.invocations == 0 {
		list.add("AWS/Lambda", of, "Throttles")
	}
	if f.load.async && seen.invocations+seen.throttles > 0 {
		list.add("AWS/Lambda", of, "AsyncEventsReceived")
	}
	if seen.invocations == 0 {
		return
	}
	common := []string{"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"}
	list.add("AWS/Lambda", of, common...)
	if f.load.async {
		list.add("AWS/Lambda", of, "AsyncEventAge")
	}
	if f.load.stream {
		list.add("AWS/Lambda", of, "IteratorAge")
	}
	if f.load.droppedPerCall > 0 {
		list.add("AWS/Lambda", of, "RecursiveInvocationsDropped")
	}
	provisioned := []string{
		"ProvisionedConcurrentExecutions", "ProvisionedConcurrencyUtilization",
		"ProvisionedConcurrencyInvocations", "ProvisionedConcurrencySpilloverInvocations",
	}
	if f.load.provisioned > 0 {
		list.add("AWS/Lambda", of, provisioned...)
	}
	if f.load.alias == "" {
		return
	}
	qualified := map[string]string{"FunctionName": f.Name, "Resource": f.Name + ":" + f.load.alias}
	list.add("AWS/Lambda", qualified, common...)
	if f.load.provisioned > 0 {
		list.add("AWS/Lambda", qualified, provisioned...)
	}
}

func (r *Region) listQueue(list *metricList, q *Queue) {
	of := dims("QueueName", q.Name)
	if r.flowing(q.flows) || q.consumer != nil {
		list.add("AWS/SQS", of, "NumberOfMessagesSent")
	}
	if q.consumer != nil {
		list.add("AWS/SQS", of, "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "NumberOfEmptyReceives",
			"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
	}
}

// active sums what a function did while its metrics would be listed.
func (r *Region) active(f *Function) (sum hourCount) {
	if f.load == nil {
		return sum
	}
	t := r.tally(f)
	for ago := 1; ago <= min(listedHours, len(t.hours)); ago++ {
		sum.invocations += t.at(ago).invocations
		sum.throttles += t.at(ago).throttles
	}
	return sum
}

func (r *Region) flowing(flows []flow) bool {
	for _, f := range flows {
		if f.function == nil || f.perCall == 0 {
			continue
		}
		if seen := f.function.region.active(f.function); seen.invocations+seen.throttles > 0 {
			return true
		}
	}
	return false
}
