package awssim

import (
	"net/http"
	"strings"
)

// s3Service is S3's control of buckets, by path or by host name.
func s3Service() *service {
	bucket := func(name, action, query string, run func(*call) (obj, error)) operation {
		return operation{
			name: name, action: action, method: http.MethodGet, path: "/{Bucket}", query: query, run: run,
			resource: func(c *call) string { return "arn:" + c.server.partition() + ":s3:::" + c.str("Bucket") },
		}
	}
	return &service{
		name: "s3", prefix: "s3", protocol: restXML, target: "http://s3.amazonaws.com/doc/2006-03-01/", xml: s3Names(),
		messages: map[failure]string{
			failThrottled:        "Please reduce your request rate.",
			failMissingAuth:      "Access Denied",
			failUnknownKey:       "The AWS Access Key Id you provided does not exist in our records.",
			failBadSignature:     "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
			failExpired:          "The provided token has expired.",
			failUnknownOperation: "Access Denied",
		},
		quotas: []quota{{name: "requests", perSecond: 100}},
		operations: []operation{
			{name: "ListBuckets", action: "s3:ListAllMyBuckets", method: http.MethodGet, path: "/", run: listBuckets},
			bucket("GetBucketLocation", "s3:GetBucketLocation", "location", getBucketLocation),
			bucket("GetBucketNotificationConfiguration", "s3:GetBucketNotification", "notification", getBucketNotification),
		},
	}
}

// s3Names is S3's XML: the root is not the operation's name, lists are mostly flat.
func s3Names() *xmlNames {
	renamed := func(_, member string) string {
		switch member {
		case "ListBuckets":
			return "ListAllMyBucketsResult"
		case "GetBucketLocation":
			return "LocationConstraint"
		case "GetBucketNotificationConfiguration":
			return "NotificationConfiguration"
		case "TopicConfigurations":
			return "TopicConfiguration"
		case "QueueConfigurations":
			return "QueueConfiguration"
		case "LambdaFunctionConfigurations":
			return "CloudFunctionConfiguration"
		case "TopicArn":
			return "Topic"
		case "QueueArn":
			return "Queue"
		case "LambdaFunctionArn":
			return "CloudFunction"
		case "Events":
			return "Event"
		case "Key":
			return "S3Key"
		case "FilterRules":
			return "FilterRule"
		default:
			return member
		}
	}
	return &xmlNames{
		element: func(parent, member string) string {
			if member == "Key" && parent != "Filter" {
				return member
			}
			return renamed(parent, member)
		},
		item:     func(string) string { return "Bucket" },
		flat:     func(member string) bool { return member != "Buckets" },
		mapping:  func(string) bool { return false },
		instants: isoMillis,
	}
}

// A placedBucket is a bucket and where it is.
type placedBucket struct {
	*Bucket
	region string
}

// buckets are the account's buckets in all regions.
func (c *call) buckets() []placedBucket {
	var all []placedBucket
	for _, r := range c.home().Regions {
		for _, b := range r.Buckets {
			all = append(all, placedBucket{b, r.Name})
		}
	}
	return all
}

// maxBuckets is the most that one answer lists.
const maxBuckets = 10_000

func listBuckets(c *call) (obj, error) {
	var found []placedBucket
	for _, b := range c.buckets() {
		if want := c.str("bucket-region"); strings.HasPrefix(b.Name, c.str("prefix")) && (want == "" || want == b.region) {
			found = append(found, b)
		}
	}
	items, next, err := page(c, paging{token: "continuation-token", limit: "max-buckets", size: maxBuckets}, found)
	if err != nil {
		return nil, err
	}
	paged := c.params["max-buckets"] != nil || c.params["bucket-region"] != nil || c.params["prefix"] != nil
	list := mapOf(items, func(b placedBucket) obj {
		o := obj{"Name": b.Name, "CreationDate": b.CreatedAt}
		if paged { // only requests with paging parameters are told where buckets are
			o["BucketRegion"] = b.region
		}
		return o
	})
	return compact(obj{
		"Buckets": list, "Owner": obj{"ID": hostID(c.account())[:64]}, "ContinuationToken": next, "Prefix": text(c.str("prefix")),
	}), nil
}

// bucket finds the bucket a request names.
func (c *call) bucket() (placedBucket, error) {
	name := c.str("Bucket")
	for _, b := range c.buckets() {
		if b.Name == name {
			return b, nil
		}
	}
	e := errorf(404, "NoSuchBucket", "The specified bucket does not exist")
	e.extra = obj{"BucketName": name}
	return placedBucket{}, e
}

// getBucketLocation: the first region has no name.
func getBucketLocation(c *call) (obj, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if b.region == "us-east-1" {
		return obj{"": ""}, nil
	}
	return obj{"": b.region}, nil
}

func getBucketNotification(c *call) (obj, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if b.region != c.region {
		return nil, elsewhere(b, c.region)
	}
	o := obj{}
	if b.EventBridge {
		o["EventBridgeConfiguration"] = obj{}
	}
	for _, n := range b.Notifications {
		list, member := "LambdaFunctionConfigurations", "LambdaFunctionArn"
		switch {
		case strings.Contains(n.TargetARN, ":sqs:"):
			list, member = "QueueConfigurations", "QueueArn"
		case strings.Contains(n.TargetARN, ":sns:"):
			list, member = "TopicConfigurations", "TopicArn"
		}
		others, _ := o[list].([]obj)
		o[list] = append(others, notification(n, member))
	}
	return o, nil
}

func notification(n Notification, target string) obj {
	o := obj{"Id": n.ID, target: n.TargetARN, "Events": n.Events}
	var rules []obj
	if n.Prefix != "" {
		rules = append(rules, obj{"Name": "Prefix", "Value": n.Prefix})
	}
	if n.Suffix != "" {
		rules = append(rules, obj{"Name": "Suffix", "Value": n.Suffix})
	}
	if len(rules) > 0 {
		o["Filter"] = obj{"Key": obj{"FilterRules": rules}}
	}
	return o
}

// elsewhere tells a client that signed for one region which one the bucket is in.
func elsewhere(b placedBucket, asked string) *apiError {
	e := errorf(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region '%s' is wrong; expecting '%s'", asked, b.region)
	e.extra = obj{"Region": b.region}
	e.header = map[string]string{"X-Amz-Bucket-Region": b.region}
	return e
}
