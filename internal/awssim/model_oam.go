package awssim

// Observability is what an account shows other accounts of its metrics, and is
// shown by them: CloudWatch's cross-account observability.
type Observability struct {
	Sources []Source // accounts whose data this one, a monitoring account, may read
}

// A Source is an account that is linked to a monitoring account's sink, in
// every region.
type Source struct {
	Account string
	Shares  []string // "AWS::CloudWatch::Metric", "AWS::Logs::LogGroup", "AWS::XRay::Trace"
}

// MetricLink is what a link must share for metrics to be read through it.
const MetricLink = "AWS::CloudWatch::Metric"
