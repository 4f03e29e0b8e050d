package collect

// Meter counts what a run's AWS calls cost, as AWS bills it. The AWS
// middleware counts requests; collectors add the units that only an answer
// tells. It is safe for concurrent use.
type Meter struct{}

// Bill adds units of what AWS bills an operation by: "metric" for
// GetMetricData, "page" for Cost Explorer, "GB" for a Logs Insights scan.
func (m *Meter) Bill(service, operation, unit string, units float64) {}
