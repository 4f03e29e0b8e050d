// Package price is the price book and Lambda's billing arithmetic.
//
// Prices are rows of the prices table with a validity interval, never constants
// of Go or SQL. The embedded prices.csv is a dated snapshot for first use and
// for machines without a way to AWS's price list; rows of the table outrank
// nothing and are all there is: a region, item or day without a row has no
// price, which is an error naming what is missing, and never zero.
//
// All arithmetic is decimal. Amounts are summed per invocation (the sum of
// billed milliseconds), never as an average times an average, and are not
// rounded here.
//
// # Formulas
//
// With MB = memory size, ms = billed milliseconds, n = requests:
//
//	GB-seconds          ms/1000 × MB/1024                                        [pricing]
//	duration            GB-seconds × price, graduated over the tiers             [pricing]
//	requests            n × price                                                [pricing]
//	billed duration     ⌈duration ms + INIT ms, if INIT is billed⌉               [pricing, init]
//	ephemeral storage   max(0, ephemeral MB − 512)/1024 × ms/1000 × price        [pricing]
//	provisioned         ⌈s/300⌉ × 300 × concurrency × MB/1024 × price            [provisioned]
//	under provisioned   GB-seconds × a price of its own, without tiers           [provisioned]
//
// INIT is billed for every function since 2025-08-01; before, for custom
// runtimes, container images and provisioned concurrency alone [init].
//
// Tiers are per architecture and region, over the monthly GB-seconds of all
// accounts that one payer settles [pricing]; who knows only one account's usage
// prices it at the first tier and may overstate. The free tier (1 M requests and
// 400,000 GB-seconds a month) is the payer's, not a function's, and is not
// deducted here.
//
// # Sources
//
//	[pricing]      aws.amazon.com/lambda/pricing, sections "Duration", "Lambda Ephemeral Storage Pricing"
//	[provisioned]  the same page, section "Provisioned Concurrency Pricing": rounded up to five minutes, no free tier
//	[init]         AWS Compute Blog, "AWS Lambda standardizes billing for INIT Phase", in force on 2025-08-01
//	prices.csv     column "source": the AWS Price List (AWSLambda, effective 2025-10-01, us-east-1), AWS Pricing
//	               Calculator's metered unit map for the other regions, both as transcribed publicly, and the
//	               services' pricing pages. Regions with a rate of their own carry the first tier alone.
package price
