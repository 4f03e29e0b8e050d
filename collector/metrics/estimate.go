package metrics

import "github.com/faaswarden/faaswarden/internal/collect"

// What surrounds functions is not in the inventory that a plan is made from, so
// it is taken to be as dense as in the simulated account, which has much of
// everything: an account with fewer queues costs less.
const (
	queuesPerFunction      = 0.73
	rulesPerFunction       = 0.13
	provisionedPerFunction = 0.01
	gatewaysPerFunction    = 0.015
	zoomedPerFunction      = 0.2  // metrics by the minute, of hours with throttles
	asyncShare             = 0.34 // of the active functions; the others are not asked for asynchronous outcomes
	streamShare            = 0.1  // of the active functions
	callsPerScope          = 9    // stages and sections each fill their last call in part
)

// estimate is the steady state: every poll asks two metrics of each function
// and the rest of those that were invoked. What CloudWatch bills is the number
// of metrics asked for, not the datapoints in the answer.
func estimate(inv collect.Inventory) collect.APICost {
	perFunction := float64(len(firstStage)) + queuesPerFunction*float64(len(queueMetrics)) + rulesPerFunction*float64(len(ruleMetrics)) +
		provisionedPerFunction*float64(len(provisionedMetrics)) + gatewaysPerFunction*float64(len(natMetrics)) + zoomedPerFunction
	perActive := float64(len(secondStage)+len(asyncArrival)+len(logGroupMetrics)) +
		asyncShare*float64(len(asyncStage)) + streamShare*float64(len(streamStage))
	perPoll := float64(inv.Functions)*perFunction + float64(inv.ActiveFunctions)*perActive + inv.Scopes()*float64(len(regionMetrics))
	polls := collect.RunsPerMonth(every)
	return collect.APICost{Calls: polls * (perPoll/maxQueries + callsPerScope*inv.Scopes()), Units: polls * perPoll, Unit: "metric"}
}
