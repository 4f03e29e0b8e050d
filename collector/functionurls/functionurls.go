// Package functionurls collects the HTTPS addresses of functions: who may call
// them, and what they let browsers do.
package functionurls

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the function URLs of one region.
var Collector = &collect.Collector{
	Name:    "functionurls",
	Title:   "function URLs: who may call them, from which origins",
	Doc:     doc,
	Writes:  []string{"function_urls"},
	Reads:   []string{"functions"},
	Actions: []collect.Action{{Name: action, Blinds: "functions that the internet can call without a gateway in front"}},
	Scope:   collect.PerRegion,
	Every:   6 * time.Hour,
	Timeout: 45 * time.Minute,
	Params:  []collect.Param{collect.PeriodParam("URLs")},
	Estimate: func(i collect.Inventory) collect.APICost {
		return collect.APICost{Calls: float64(i.Functions) * collect.RunsPerMonth(collect.DefaultPeriod)}
	},
	Collect: run,
}

const (
	action = "lambda:ListFunctionUrlConfigs"
	atOnce = 8
)

func run(ctx context.Context, r *collect.Run) error {
	rota, err := r.NewRota(ctx, "urls")
	if err != nil {
		return err
	}
	client := lambda.NewFromConfig(r.AWS)
	return rota.AskFunctions(ctx, atOnce, r.Probe("function_urls", "", action), func(ctx context.Context, fn schema.Function) error {
		var rows []schema.FunctionURL
		err := collect.Pages(ctx, action, func(ctx context.Context, marker *string) (*string, error) {
			out, err := client.ListFunctionUrlConfigs(ctx, &lambda.ListFunctionUrlConfigsInput{FunctionName: &fn.FunctionName, Marker: marker})
			if err != nil {
				return nil, fmt.Errorf("list function URLs: %w", err)
			}
			for i := range out.FunctionUrlConfigs {
				row, err := url(r, fn, &out.FunctionUrlConfigs[i])
				if err != nil {
					return nil, err
				}
				rows = append(rows, row)
			}
			return out.NextMarker, nil
		})
		if err != nil {
			return err
		}
		return collect.Put(ctx, r, rows...)
	})
}

func url(r *collect.Run, fn schema.Function, c *types.FunctionUrlConfig) (schema.FunctionURL, error) {
	unqualified, _, qualifier, ok := collect.Function(aws.ToString(c.FunctionArn))
	if !ok || unqualified != fn.FunctionARN || c.FunctionUrl == nil {
		return schema.FunctionURL{}, errors.New("a function URL lacks its address, or is another function's")
	}
	row := schema.FunctionURL{
		Account: r.Account, Region: r.Region, FunctionARN: fn.FunctionARN, Qualifier: qualifier, URL: *c.FunctionUrl,
		AuthType: string(c.AuthType), InvokeMode: string(c.InvokeMode), CreatedAt: collect.ParseInstant(c.CreationTime), LastModified: collect.ParseInstant(c.LastModifiedTime), CollectedAt: r.Now,
	}
	if row.InvokeMode == "" {
		row.InvokeMode = string(types.InvokeModeBuffered) // as Lambda documents for configurations from before there was another
	}
	if cors := c.Cors; cors != nil {
		row.CORS, row.AllowCredentials = true, aws.ToBool(cors.AllowCredentials)
		row.AllowOrigins, row.AllowMethods, row.AllowHeaders, row.ExposeHeaders = cors.AllowOrigins, cors.AllowMethods, cors.AllowHeaders, cors.ExposeHeaders
		if cors.MaxAge != nil {
			row.MaxAgeS = aws.Int64(int64(*cors.MaxAge))
		}
	}
	return row, nil
}
