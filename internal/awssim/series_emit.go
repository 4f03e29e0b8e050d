package awssim

import "math"

// emitter finds the metric that a query names.
func (r *Region) emitter(q MetricQuery) (emitter, bool) {
	x := r.names()
	only := func(dimension string) (string, bool) {
		value, ok := q.Dims[dimension]
		return value, ok && len(q.Dims) == 1
	}
	switch q.Namespace {
	case "AWS/Lambda":
		return r.lambdaEmitter(q)
	case "AWS/SQS":
		name, ok := only("QueueName")
		if queue := x.queues[name]; ok && queue != nil {
			return r.queueEmitter(queue, q.Metric)
		}
	case "AWS/SNS":
		name, ok := only("TopicName")
		if topic := x.topics[name]; ok && topic != nil && q.Metric == "NumberOfMessagesPublished" {
			return r.flowEmitter(topic.flows)
		}
	case "AWS/Events":
		rule := x.rules[q.Dims["RuleName"]]
		if rule != nil && (q.Metric == "Invocations" || q.Metric == "TriggeredRules") && len(q.Dims) == len(rule.dims()) && q.Dims["EventBusName"] == rule.dims()["EventBusName"] {
			return r.flowEmitter(rule.flows)
		}
	case "AWS/NATGateway":
		id, ok := only("NatGatewayId")
		if gateway := x.gateways[id]; ok && gateway != nil {
			return r.gatewayEmitter(gateway, q.Metric)
		}
	case "AWS/Logs":
		name, ok := only("LogGroupName")
		if functions := x.groups[name]; ok && functions != nil {
			return r.logsEmitter(functions, q.Metric)
		}
	}
	return emitter{}, false
}

// dims are a rule's dimensions: rules of the default bus have no EventBusName.
func (rule *Rule) dims() map[string]string {
	if rule.Bus == "default" {
		return map[string]string{"RuleName": rule.Name}
	}
	return map[string]string{"RuleName": rule.Name, "EventBusName": rule.Bus}
}

func (r *Region) lambdaEmitter(q MetricQuery) (emitter, bool) {
	name, named := q.Dims["FunctionName"]
	if !named {
		return r.regionEmitter(q.Metric, len(q.Dims))
	}
	f := r.names().functions[name]
	if f == nil || f.load == nil {
		return emitter{}, false
	}
	resource, qualified := q.Dims["Resource"]
	switch {
	case len(q.Dims) == 1:
		return r.functionEmitter(f, q.Metric)
	case qualified && len(q.Dims) == 2 && resource == f.Name+":"+f.load.alias:
		return r.aliasEmitter(f, q.Metric)
	}
	return emitter{}, false
}

// functionEmitter gives the metrics of all of a function's versions together.
func (r *Region) functionEmitter(f *Function, metric string) (emitter, bool) {
	switch l := f.load; metric {
	case "Duration":
		return r.durationEmitter(f), true
	case "Invocations", "Errors", "Throttles":
		return r.countEmitter(f, metric), true
	case "ConcurrentExecutions":
		return r.minuteEmitter(f, func(ago int, m surgeMin) cell {
			busy := math.Ceil(l.concurrency(ago, m.served))
			return cell{busy * float64(m.served), 1, busy, float64(m.served)}
		}), true
	case "AsyncEventsReceived":
		return r.minuteEmitter(f, func(_ int, m surgeMin) cell { return ones(m.arrived) }), l.async
	case "AsyncEventAge":
		return r.minuteEmitter(f, func(_ int, m surgeMin) cell {
			age := 1000*m.ageS + 12 + float64(m.served%40)
			return cell{age * float64(m.served), 8, age, float64(m.served)}
		}), l.async
	case "IteratorAge":
		return r.minuteEmitter(f, func(_ int, m surgeMin) cell {
			age := 80 + 10*float64(m.served%70)
			return cell{age * float64(m.served), 10, age, float64(m.served)}
		}), l.stream
	case "RecursiveInvocationsDropped":
		return r.flowEmitter([]flow{{f, l.droppedPerCall}})
	case "ProvisionedConcurrentExecutions", "ProvisionedConcurrencyUtilization", "ProvisionedConcurrencyInvocations", "ProvisionedConcurrencySpilloverInvocations":
		return r.provisionedEmitter(f, metric)
	}
	return emitter{}, false
}

// aliasEmitter gives the metrics of the alias that takes all of a function's traffic.
func (r *Region) aliasEmitter(f *Function, metric string) (emitter, bool) {
	switch metric {
	case "Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions":
		return r.functionEmitter(f, metric)
	}
	return r.provisionedEmitter(f, metric)
}

// ones is n observations of 1, as counters of single events are.
func ones(n uint32) cell {
	if n == 0 {
		return cell{}
	}
	return cell{float64(n), 1, 1, float64(n)}
}

// among is n observations of which some are 1 and the others 0.
func among(some, n uint32) cell {
	if n == 0 {
		return cell{}
	}
	c := cell{float64(some), 0, 0, float64(n)}
	if some > 0 {
		c.max = 1
	}
	if some == n {
		c.min = 1
	}
	return c
}

// minuteCounts is what happened in each minute of an hour.
func (l *load) minuteCounts(random reseedable, t *tally, ago int) (out [60]surgeMin) {
	if played := t.surging[ago]; played != nil {
		return *played
	}
	h := t.at(ago)
	served := l.minutes(random, ago, h.invocations)
	for m := range out {
		out[m].served, out[m].arrived = served[m], served[m]
	}
	if h.throttles == 0 {
		return out
	}
	if !l.killed { // a spot: one bad minute
		out[30].throttled = h.throttles
		return out
	}
	refused := l.minutes(random, ago, h.throttles)
	for m := range out {
		out[m].throttled, out[m].arrived = refused[m], refused[m]
	}
	return out
}

// minuteEmitter computes a metric from its minutes; an hour is what they add up to.
func (r *Region) minuteEmitter(f *Function, of func(ago int, m surgeMin) cell) emitter {
	t, random := r.tally(f), newReseedable()
	minutes := func(ago int) (out [60]cell) {
		if h := t.at(ago); h.invocations+h.throttles == 0 {
			return out
		}
		for m, count := range f.load.minuteCounts(random, t, ago) {
			if count.served > 0 || count.throttled > 0 {
				out[m] = of(ago, count)
			}
		}
		return out
	}
	return hourly(minutes)
}

func (r *Region) countEmitter(f *Function, metric string) emitter {
	t, random := r.tally(f), newReseedable()
	of := func(n, failed, throttled uint32) cell {
		switch metric {
		case "Invocations":
			return ones(n)
		case "Errors":
			return among(failed, n)
		default:
			return among(throttled, n+throttled)
		}
	}
	return emitter{
		hour: func(ago int) cell {
			h := t.at(ago)
			return of(h.invocations, h.failed(), h.throttles)
		},
		minutes: func(ago int) (out [60]cell) {
			h := t.at(ago)
			counts := f.load.minuteCounts(random, t, ago)
			failed := apportion(h.failed(), counts)
			for m, c := range counts {
				out[m] = of(c.served, failed[m], c.throttled)
			}
			return out
		},
	}
}

// apportion divides a total over minutes by what they served, without remainder.
func apportion(total uint32, counts [60]surgeMin) (out [60]uint32) {
	all, seen, done := 0.0, 0.0, uint32(0)
	for _, c := range counts {
		all += float64(c.served)
	}
	if all == 0 {
		return out
	}
	for m, c := range counts {
		seen += float64(c.served)
		upTo := uint32(math.Round(float64(total) * seen / all))
		out[m], done = upTo-done, upTo
	}
	return out
}

func (r *Region) durationEmitter(f *Function) emitter {
	t, times, random := r.tally(f), r.timesOf(f), newReseedable()
	hour := func(ago int) cell {
		h := times[len(times)-ago]
		return cell{h.sum, h.min, h.max, float64(t.at(ago).invocations)}
	}
	return emitter{lines: f, hour: hour, minutes: func(ago int) (out [60]cell) {
		whole := hour(ago)
		if whole.count == 0 {
			return out
		}
		counts := f.load.minuteCounts(random, t, ago)
		busiest := 0
		for m, c := range counts {
			if c.served > counts[busiest].served {
				busiest = m
			}
			if c.served == 0 {
				continue
			}
			n, mean := float64(c.served), whole.sum/whole.count
			out[m] = cell{mean * n, mean, mean, n}
			if c.served > 1 {
				out[m].min, out[m].max = math.Max(whole.min, 0.7*mean), math.Min(whole.max, 1.5*mean)
			}
		}
		out[busiest].min, out[busiest].max = whole.min, whole.max
		return out
	}}
}

// provisionedEmitter has no points where a function is idle.
func (r *Region) provisionedEmitter(f *Function, metric string) (emitter, bool) {
	l := f.load
	held := float64(l.provisioned)
	if held == 0 {
		return emitter{}, false
	}
	busy := func(ago int, m surgeMin) float64 { return math.Min(held, math.Ceil(l.concurrency(ago, m.served))) }
	switch metric {
	case "ProvisionedConcurrentExecutions":
		return r.minuteEmitter(f, func(ago int, m surgeMin) cell { return once(busy(ago, m)) }), true
	case "ProvisionedConcurrencyUtilization":
		return r.minuteEmitter(f, func(ago int, m surgeMin) cell { return once(busy(ago, m) / held) }), true
	case "ProvisionedConcurrencyInvocations":
		return r.countEmitter(f, "Invocations"), true
	case "ProvisionedConcurrencySpilloverInvocations":
		return r.minuteEmitter(f, func(_ int, m surgeMin) cell { return among(0, m.served) }), true
	}
	return emitter{}, false
}

// flow is traffic that follows a function's invocations.
type flow struct {
	function *Function
	perCall  float64
}

// flowEmitter adds up flows.
func (r *Region) flowEmitter(flows []flow) (emitter, bool) {
	type part struct {
		flow
		tally *tally
	}
	var parts []part
	for _, f := range flows {
		if f.function != nil && f.function.load != nil && f.perCall > 0 {
			parts = append(parts, part{f, f.function.region.tally(f.function)})
		}
	}
	whole := func(arrived, perCall float64) float64 { return math.Floor(arrived*perCall + 1e-6) }
	random := newReseedable()
	e := hourly(func(ago int) (out [60]cell) {
		for _, p := range parts {
			arrived, done := 0.0, 0.0
			for m, c := range p.function.load.minuteCounts(random, p.tally, ago) {
				arrived += float64(c.arrived)
				upTo := whole(arrived, p.perCall)
				if n := upTo - done; n > 0 {
					out[m] = out[m].with(cell{n, 1, 1, n})
				}
				done = upTo
			}
		}
		return out
	})
	e.hourSum = func(ago int) (sum float64, emitted bool) {
		for _, p := range parts {
			sum += whole(float64(p.tally.arrived(ago)), p.perCall)
		}
		return sum, sum > 0
	}
	return e, len(parts) > 0
}

// arrived is how many attempts were made in an hour, served or not.
func (t *tally) arrived(ago int) (n uint32) {
	played := t.surging[ago]
	if played == nil {
		h := t.at(ago)
		if h.invocations == 0 {
			return h.throttles
		}
		return h.invocations
	}
	for _, m := range played {
		n += m.arrived
	}
	return n
}

// queueEmitter gives a queue's metrics. A queue that is polled emits zeros too.
func (r *Region) queueEmitter(q *Queue, metric string) (emitter, bool) {
	switch metric {
	case "NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted":
		e, ok := r.flowEmitter(q.flows)
		if q.consumer == nil {
			return e, ok && metric == "NumberOfMessagesSent"
		}
		return zeroed(e), true
	case "NumberOfEmptyReceives":
		return constant(14), q.consumer != nil
	case "ApproximateNumberOfMessagesVisible":
		return r.backlogEmitter(q, func(m surgeMin) float64 { return math.Round(float64(m.waiting) * q.fill()) })
	case "ApproximateAgeOfOldestMessage":
		return r.backlogEmitter(q, func(m surgeMin) float64 { return math.Round(m.ageS) })
	}
	return emitter{}, false
}

// fill is how many messages an invocation of the consumer takes.
func (q *Queue) fill() float64 {
	for _, f := range q.flows {
		if f.function == q.consumer {
			return f.perCall
		}
	}
	return 1
}

func (r *Region) backlogEmitter(q *Queue, of func(surgeMin) float64) (emitter, bool) {
	if q.consumer == nil || q.consumer.load == nil || q.consumer.load.surge == nil {
		return constant(0), q.consumer != nil
	}
	f, random := q.consumer, newReseedable()
	t := f.region.tally(f)
	minutes := func(ago int) (out [60]cell) {
		for m, c := range f.load.minuteCounts(random, t, ago) {
			out[m] = once(of(c))
		}
		return out
	}
	return hourly(minutes), true
}

// hourly derives an emitter from its minutes.
func hourly(minutes func(ago int) [60]cell) emitter {
	return emitter{minutes: minutes, hour: func(ago int) cell {
		var c cell
		for _, minute := range minutes(ago) {
			c = c.with(minute)
		}
		return c
	}}
}

func constant(value float64) emitter {
	e := hourly(func(int) (out [60]cell) {
		for m := range out {
			out[m] = once(value)
		}
		return out
	})
	e.hour = func(int) cell { return cell{60 * value, value, value, 60} }
	return e
}

// zeroed emits a zero in every minute that has nothing.
func zeroed(e emitter) emitter {
	if e.minutes == nil {
		return constant(0)
	}
	z := hourly(func(ago int) [60]cell {
		out := e.minutes(ago)
		for m := range out {
			if out[m].count == 0 {
				out[m] = once(0)
			}
		}
		return out
	})
	z.hourSum = func(ago int) (float64, bool) {
		sum, _ := e.hourSum(ago)
		return sum, true
	}
	return z
}

// gatewayEmitter gives a NAT gateway's bytes: its functions' and what else uses it.
func (r *Region) gatewayEmitter(n *NATGateway, metric string) (emitter, bool) {
	var perCall func(*load) float64
	other := n.otherBytesPerMinute
	switch metric {
	case "BytesOutToDestination", "BytesInFromSource":
		perCall = func(l *load) float64 { return l.natBytesOut }
	case "BytesInFromDestination", "BytesOutToSource":
		perCall = func(l *load) float64 { return l.natBytesIn }
		other *= 3
	case "ActiveConnectionCount":
		return constant(4), true
	default:
		return emitter{}, false
	}
	var functions []*Function
	for _, f := range n.clients {
		if f.load != nil {
			functions = append(functions, f)
		}
	}
	random := newReseedable()
	e := hourly(func(ago int) (out [60]cell) {
		for m := range out {
			out[m] = once(other)
		}
		for _, f := range functions {
			for m, c := range f.load.minuteCounts(random, r.tally(f), ago) {
				out[m] = once(out[m].sum + float64(c.served)*perCall(f.load))
			}
		}
		return out
	})
	e.hourSum = func(ago int) (float64, bool) {
		sum := 60 * other
		for _, f := range functions {
			sum += float64(r.tally(f).at(ago).invocations) * perCall(f.load)
		}
		return sum, true
	}
	return e, true
}

func (r *Region) logsEmitter(functions []*Function, metric string) (emitter, bool) {
	if metric != "IncomingBytes" && metric != "IncomingLogEvents" {
		return emitter{}, false
	}
	perCall := func(l *load) float64 { return l.logBytesPerCall }
	if metric == "IncomingLogEvents" {
		perCall = func(l *load) float64 { return math.Max(3, math.Round(l.logBytesPerCall/180)) }
	}
	random := newReseedable()
	e := hourly(func(ago int) (out [60]cell) {
		for _, f := range functions {
			for m, c := range f.load.minuteCounts(random, r.tally(f), ago) {
				if c.served > 0 {
					out[m] = out[m].with(once(float64(c.served) * perCall(f.load)))
				}
			}
		}
		return out
	})
	e.hourSum = func(ago int) (sum float64, emitted bool) {
		for _, f := range functions {
			sum += float64(r.tally(f).at(ago).invocations) * perCall(f.load)
		}
		return sum, sum > 0
	}
	return e, true
}

// regionEmitter gives the metrics without dimensions.
func (r *Region) regionEmitter(metric string, dims int) (emitter, bool) {
	if dims > 0 {
		return emitter{}, false
	}
	limit := float64(r.ConcurrencyLimit)
	busy := func(minutes func() []float64, add func() int, always bool) emitter {
		return hourly(func(ago int) (out [60]cell) {
			all := minutes()
			for m := range out {
				value := math.Ceil(all[len(all)-60*ago+m]/1000) + float64(add())
				if value > 0 || always {
					out[m] = once(math.Min(value, limit))
				}
			}
			return out
		})
	}
	nothing := func() int { return 0 }
	switch metric {
	case "ConcurrentExecutions":
		return busy(func() []float64 { return r.sums().total }, nothing, false), true
	case "UnreservedConcurrentExecutions":
		return busy(func() []float64 { return r.sums().unreserved }, nothing, false), true
	case "ClaimedAccountConcurrency":
		return busy(func() []float64 { return r.sums().unreserved }, func() int { return r.sums().held }, true), true
	case "Invocations", "Errors", "Throttles":
		return r.regionCounts(metric), true
	}
	return emitter{}, false
}

func (r *Region) regionCounts(metric string) emitter {
	return emitter{
		hour: func(ago int) cell {
			s := r.sums()
			h := s.hours[len(s.hours)-ago]
			switch metric {
			case "Invocations":
				return ones(h.invocations)
			case "Errors":
				return among(h.errors, h.invocations)
			default:
				return among(h.throttles, h.invocations+h.throttles)
			}
		},
		minutes: func(ago int) (out [60]cell) {
			for _, f := range r.Functions {
				if f.load == nil {
					continue
				}
				for m, c := range r.countEmitter(f, metric).minutes(ago) {
					out[m] = out[m].with(c)
				}
			}
			return out
		},
	}
}
