package awssim

import "slices"

// servicequotasService is Service Quotas. AWS publishes no number for its
// requests; ten a second is a choice.
func servicequotasService() *service {
	params := []param{{name: "ServiceCode", required: true}, {name: "MaxResults", min: 1, max: 100}}
	return &service{
		name: "servicequotas", prefix: "servicequotas", protocol: awsJSON11, target: "ServiceQuotasV20190624",
		words: map[failure]wording{
			failThrottled:  {status: 400, code: "TooManyRequestsException"},
			failValidation: {status: 400, code: "IllegalArgumentException"},
			failBadToken:   {status: 400, code: "InvalidPaginationTokenException"},
			failInternal:   {status: 500, code: "ServiceException"},
		},
		quotas: []quota{{name: "requests", perSecond: 10}},
		operations: []operation{
			{name: "ListServiceQuotas", run: listServiceQuotas, params: params},
			{name: "ListAWSDefaultServiceQuotas", run: listDefaultQuotas, params: params},
		},
	}
}

// A serviceQuota is a quota as AWS defines it.
type serviceQuota struct {
	service, serviceName, code, name string
	value                            float64
	unit                             string
	adjustable                       bool
	usage                            obj
}

// serviceQuotas are AWS's defaults for the services that functions lean on
// (https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html).
func serviceQuotas() []serviceQuota {
	const lambda, vpc, logs = "AWS Lambda", "Amazon Virtual Private Cloud (Amazon VPC)", "Amazon CloudWatch Logs"
	return []serviceQuota{
		{"lambda", lambda, storageQuota, "Function and layer storage", 75, "Gigabytes", true, nil},
		{"lambda", lambda, "L-9FEE3D26", "Elastic network interfaces per VPC", 250, "None", true, nil},
		{"lambda", lambda, concurrencyQuota, "Concurrent executions", 1000, "None", true, obj{
			"MetricNamespace": "AWS/Lambda", "MetricName": "ConcurrentExecutions", "MetricDimensions": map[string]string{}, "MetricStatisticRecommendation": "Maximum",
		}},
		{"lambda", lambda, "L-E49FF7B8", "Deployment package size (unzipped)", 250, "Megabytes", false, nil},
		{"logs", logs, "L-3F243AD0", "DescribeLogStreams throttle limit in transactions per second", 25, "None", true, nil},
		{"logs", logs, "L-4284EEDE", "DescribeLogGroups throttle limit in transactions per second", 10, "None", true, nil},
		{"vpc", vpc, "L-0EA8095F", "Inbound or outbound rules per security group", 60, "None", true, nil},
		{"vpc", vpc, "L-2AFB9258", "Security groups per network interface", 5, "None", true, nil},
		{"vpc", vpc, "L-DF5E4CA3", "Network interfaces per Region", 5000, "None", true, nil},
		{"vpc", vpc, "L-E79EC296", "VPC security groups per Region", 2500, "None", true, nil},
		{"vpc", vpc, "L-F678F1CE", "VPCs per Region", 5, "None", true, nil},
		{"vpc", vpc, "L-FE5A380F", "NAT gateways per Availability Zone", 5, "None", true, nil},
	}
}

// Quotas that GetAccountSettings tells too.
const (
	concurrencyQuota = "L-B99A9384"
	storageQuota     = "L-2ACBD22F"
)

func listServiceQuotas(c *call) (obj, error) { return c.quotas(true) }

func listDefaultQuotas(c *call) (obj, error) { return c.quotas(false) }

// quotas lists a service's quotas as they apply to the account, or as AWS sets them.
func (c *call) quotas(applied bool) (obj, error) {
	code := c.str("ServiceCode")
	var found []obj
	for _, q := range serviceQuotas() {
		if q.service == code {
			found = append(found, c.quota(q, applied))
		}
	}
	if len(found) == 0 && !slices.Contains([]string{"sqs", "monitoring", "events", "sns", "ec2"}, code) {
		return nil, errorf(400, "NoSuchResourceException", "The request failed because the specified service does not exist.")
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 100}, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Quotas": items, "NextToken": next}), nil
}

func (c *call) quota(q serviceQuota, applied bool) obj {
	account, value := "", q.value
	if applied {
		account = c.account()
		switch q.code {
		case concurrencyQuota:
			value = float64(c.world().ConcurrencyLimit)
		case storageQuota:
			value = float64(c.world().CodeSizeLimit >> 30)
		}
		if raised, ok := c.world().RaisedQuotas[q.code]; ok {
			value = raised
		}
	}
	o := obj{
		"ServiceCode": q.service, "ServiceName": q.serviceName, "QuotaCode": q.code, "QuotaName": q.name, "Value": value, "Unit": q.unit,
		"QuotaArn":   "arn:" + c.server.partition() + ":servicequotas:" + c.region + ":" + account + ":" + q.service + "/" + q.code,
		"Adjustable": q.adjustable, "GlobalQuota": false,
	}
	if q.usage != nil {
		o["UsageMetric"] = q.usage
	}
	return o
}
