package costs

import (
	"slices"
	"strings"
)

// billingCodes are the prefixes of usage types. Those of North America, Africa
// and Asia Pacific are from AWS's page of Region billing codes
// (docs.aws.amazon.com/global-infrastructure/latest/regions/aws-region-billing-codes.html);
// the others, and the older CPT and EUW1, are as public billing tools write them.
// A prefix that is not listed leaves the region empty, never wrong.
var billingCodes = [][2]string{
	{"USE1", "us-east-1"},
	{"USE2", "us-east-2"},
	{"USW1", "us-west-1"},
	{"USW2", "us-west-2"},
	{"CAN1", "ca-central-1"},
	{"CAN2", "ca-west-1"},
	{"MXC1", "mx-central-1"},
	{"SAE1", "sa-east-1"},
	{"AFS1", "af-south-1"},
	{"CPT", "af-south-1"},
	{"APE1", "ap-east-1"},
	{"APE2", "ap-east-2"},
	{"APN1", "ap-northeast-1"},
	{"APN2", "ap-northeast-2"},
	{"APN3", "ap-northeast-3"},
	{"APS1", "ap-southeast-1"},
	{"APS2", "ap-southeast-2"},
	{"APS3", "ap-south-1"},
	{"APS4", "ap-southeast-3"},
	{"APS5", "ap-south-2"},
	{"APS6", "ap-southeast-4"},
	{"APS7", "ap-southeast-5"},
	{"APS8", "ap-southeast-6"},
	{"APS9", "ap-southeast-7"},
	{"EU", "eu-west-1"},
	{"EUW1", "eu-west-1"},
	{"EUW2", "eu-west-2"},
	{"EUW3", "eu-west-3"},
	{"EUC1", "eu-central-1"},
	{"EUC2", "eu-central-2"},
	{"EUN1", "eu-north-1"},
	{"EUS1", "eu-south-1"},
	{"EUS2", "eu-south-2"},
	{"ILC1", "il-central-1"},
	{"MEC1", "me-central-1"},
	{"MES1", "me-south-1"},
	{"UGE1", "us-gov-east-1"},
	{"UGW1", "us-gov-west-1"},
	{"CNN1", "cn-north-1"},
	{"CNW1", "cn-northwest-1"},
}

// unprefixed are the services whose usage types have no prefix in us-east-1, the
// oldest region. Other services' unprefixed usage types are global or unknown.
var unprefixed = []string{
	lambdaService, "Amazon API Gateway", "Amazon DynamoDB", "Amazon Elastic Compute Cloud - Compute", "Amazon Elastic File System",
	"Amazon EventBridge", "Amazon Kinesis", "Amazon Simple Notification Service", "Amazon Simple Queue Service",
	"Amazon Simple Storage Service", "Amazon Virtual Private Cloud", "AmazonCloudWatch", "AWS Step Functions", "AWS X-Ray",
	"CloudWatch Events", "EC2 - Other",
}

// region is where a usage type was used, "" when it is global or cannot be told.
func region(service, usageType string) string {
	if usageType == "" {
		return "" // not read
	}
	code, _, _ := strings.Cut(usageType, "-")
	if i := slices.IndexFunc(billingCodes, func(c [2]string) bool { return c[0] == code }); i >= 0 {
		return billingCodes[i][1]
	}
	edge := strings.Contains(usageType, "Lambda-Edge") // Lambda@Edge runs where the viewers are
	if code == "Global" || usageType == "NoUsageType" || edge || !slices.Contains(unprefixed, service) {
		return ""
	}
	return "us-east-1"
}
