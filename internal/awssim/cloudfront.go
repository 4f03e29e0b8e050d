package awssim

import (
	"net/http"
	"strings"
)

// cloudfrontService is CloudFront's listing of distributions: one endpoint for
// all regions. AWS publishes no request quota for it.
func cloudfrontService() *service {
	return &service{
		name: "cloudfront", prefix: "cloudfront", protocol: restXML, target: "http://cloudfront.amazonaws.com/doc/2020-05-31/", xml: cloudfrontNames(), global: true,
		words: map[failure]wording{
			failDenied:     {status: 403, code: "AccessDenied"},
			failThrottled:  {status: 400, code: "Throttling"},
			failValidation: {status: 400, code: "InvalidArgument"},
			failBadToken:   {status: 400, code: "InvalidArgument"},
		},
		quotas: []quota{{name: "requests", perSecond: 20}},
		operations: []operation{{
			name: "ListDistributions", method: http.MethodGet, path: "/2020-05-31/distribution", run: listDistributions,
			resource: func(c *call) string {
				return "arn:" + c.server.partition() + ":cloudfront::" + c.account() + ":distribution/*"
			},
			params: []param{{name: "MaxItems", min: 1, max: 100}},
		}},
	}
}

// cloudfrontNames is CloudFront's XML: the answer is its list, and items are
// called after what they are.
func cloudfrontNames() *xmlNames {
	names := queryNames()
	names.element = func(parent, member string) string {
		if parent == "" && member == "ListDistributions" {
			return "DistributionList"
		}
		return member
	}
	items := map[string]string{
		"Aliases": "CNAME", "CacheBehaviors": "CacheBehavior", "LambdaFunctionAssociations": "LambdaFunctionAssociation",
		"FunctionAssociations": "FunctionAssociation", "Origins": "Origin", "AllowedMethods": "Method", "CachedMethods": "Method",
		"OriginSslProtocols": "SslProtocol", "CustomHeaders": "OriginCustomHeader", "TrustedSigners": "AwsAccountNumber",
		"TrustedKeyGroups": "KeyGroup", "GeoRestriction": "Location",
	}
	names.itemOf = func(parent string) string {
		if item := items[parent]; item != "" {
			return item
		}
		return "DistributionSummary"
	}
	names.instants = isoMillis
	return names
}

func listDistributions(c *call) (obj, error) {
	p := paging{token: "Marker", limit: "MaxItems", size: 100}
	items, next, err := page(c, p, c.home().Distributions)
	if err != nil {
		return nil, err
	}
	return obj{"DistributionList": compact(obj{
		"Marker": c.str("Marker"), "NextMarker": next, "MaxItems": c.integer("MaxItems", p.size), "IsTruncated": next != nil, "Quantity": len(items),
		"Items": notEmpty(mapOf(items, distribution)),
	})}, nil
}

func distribution(d *Distribution) obj {
	others := mapOf(d.Behaviors[1:], func(b Behavior) obj {
		o := behavior(b)
		o["PathPattern"] = b.Path
		return o
	})
	origin := obj{"Id": "origin", "DomainName": d.Origin, "OriginPath": ""}
	return obj{
		"Id": d.ID, "ARN": d.ARN, "Status": d.Status, "LastModifiedTime": d.LastModified, "DomainName": d.Domain,
		"Aliases": quantified(d.Aliases), "Origins": quantified([]obj{origin}), "DefaultCacheBehavior": behavior(d.Behaviors[0]),
		"CacheBehaviors": quantified(others), "Comment": "", "PriceClass": d.PriceClass, "Enabled": d.Enabled, "HttpVersion": "http2", "IsIPV6Enabled": true,
		"WebACLId": "", "Staging": false,
	}
}

func behavior(b Behavior) obj {
	var lambdas, functions []obj
	for _, a := range b.Functions {
		if strings.Contains(a.ARN, ":cloudfront:") {
			functions = append(functions, obj{"FunctionARN": a.ARN, "EventType": a.EventType})
			continue
		}
		lambdas = append(lambdas, obj{"LambdaFunctionARN": a.ARN, "EventType": a.EventType, "IncludeBody": a.IncludeBody})
	}
	return obj{
		"TargetOriginId": "origin", "ViewerProtocolPolicy": "redirect-to-https", "Compress": true, "SmoothStreaming": false,
		"LambdaFunctionAssociations": quantified(lambdas), "FunctionAssociations": quantified(functions),
	}
}

// quantified is a list in CloudFront's way, without Items when it has none.
func quantified[T any](list []T) obj {
	return compact(obj{"Quantity": len(list), "Items": notEmpty(list)})
}
