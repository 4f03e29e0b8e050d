// Package awssim is a simulated AWS account: a world generated from a seed, with
// faults planted and recorded as ground truth, and an HTTP server that shows it, or
// a recorded account, on the services' real wire protocols.
//
// Generate makes a World, LoadRecording reads a Recording; NewServer shows either
// to any AWS client that is given the server's URL as its endpoint:
//
//	world, err := awssim.Generate(awssim.GenerateOptions{Seed: 1, Now: time.Now()})
//	server, err := awssim.NewServer(awssim.Options{World: world})
//	url, err := server.Start("127.0.0.1:0") // AWS_ENDPOINT_URL, with the keys of ExampleCredential
//
// # What the server promises
//
// It never answers what an AWS service would not:
//
//   - Requests must carry a valid SigV4 signature; the service and the region are
//     those of its credential scope. Wrong, unknown, expired and skewed signatures
//     are refused in the words and the shape of the service asked.
//   - Each service speaks its own protocol: REST-JSON (Lambda), AWS JSON 1.0
//     (SQS) and 1.1 (Cost Explorer, CloudWatch Logs, tagging, EventBridge), Query
//     (STS, SNS, IAM), EC2 Query, REST-XML (S3) and RPC v2 CBOR (CloudWatch).
//   - Pages have the service's real size, their tokens are opaque and good only
//     for the request that they continue.
//   - Rates are limited as the service's quotas page says, in its error shape.
//   - Missing and malformed parameters are refused as the service does.
//   - What is not simulated is refused, never made up: an operation that is known
//     to exist is denied, any other is the service's UnknownOperationException.
//
// Options make it throttle, deny IAM actions, delay, restate bills and fail. Calls
// tells what was asked, how fast, and what AWS would have charged for.
//
// # Two clocks
//
// Options.Now is the account's time: it decides which data exists, what is past
// its retention and which bill lines are still estimated. Signatures are checked
// and rates are measured by the wall clock, Options.Clock, which Options.ClockSkew
// sets wrong on purpose.
//
// # Recordings
//
// A Recording is a folder of responses recorded from a real account, one JSON
// file each, named service.Operation_N.json. The Nth call of an operation gets
// the Nth response, later ones the last. A response that names other resources
// than the one asked for is never given; one that names none is given only when it
// cannot be another's. A region of which nothing was recorded is refused, as an
// operation that was not recorded is: AccessDenied, naming the action. Asking
// who one is (sts:GetCallerIdentity) needs no permission in AWS and is
// answered with the account of the recording.
//
// # What it does not do
//
// Only reading is simulated. Log groups hold REPORT lines and nothing else; one
// that stands for many invocations is counted as many events by queries and shown
// as one event. CloudWatch metric math, Cost Explorer forecasts and Logs Insights
// beyond what package insights lists are refused. One account is simulated: roles
// of others cannot be assumed. Services with one endpoint accept signatures for
// any region, because SDKs with an endpoint of their own sign for the client's.
package awssim
