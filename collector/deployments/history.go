package deployments

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// readDeployments lists the deployments of the last days, of all platforms as
// nothing filters them, and describes them.
func (c *collection) readDeployments(ctx context.Context) error {
	action, err := c.history(ctx)
	switch {
	case err == nil:
		c.Complete(deploymentsTable, "")
		return nil
	case ctx.Err() != nil, collect.Stop(err):
		return err
	}
	c.Gap(deploymentsTable, "", "", action, err)
	return nil
}

// history reads deployments and says which action failed, if one did.
func (c *collection) history(ctx context.Context) (action string, err error) {
	from := c.Now.AddDate(0, 0, -int(max(1, c.Params["days"].(int64))))
	var ids []string
	err = collect.Pages(ctx, listAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.ListDeployments(ctx, &codedeploy.ListDeploymentsInput{
			CreateTimeRange: &types.TimeRange{Start: aws.Time(from), End: aws.Time(c.Now)}, NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		ids = append(ids, out.Deployments...)
		return out.NextToken, nil
	})
	if err != nil {
		return listAction, err
	}
	for part := range slices.Chunk(ids, deploymentBatch) {
		out, err := c.api.BatchGetDeployments(ctx, &codedeploy.BatchGetDeploymentsInput{DeploymentIds: part})
		if err != nil {
			return deploymentsAction, err
		}
		var rows []schema.Deployment
		for _, d := range out.DeploymentsInfo {
			if d.ComputePlatform == types.ComputePlatformLambda {
				rows = append(rows, c.deployment(d)...)
			}
		}
		if err := collect.Put(ctx, c.Run, rows...); err != nil {
			return deploymentsAction, err
		}
	}
	return "", nil
}

// deployment is a row for each function that a deployment moves, or one without
// a function where the revision does not say.
func (c *collection) deployment(d types.DeploymentInfo) []schema.Deployment {
	row := schema.Deployment{
		Account: c.Account, Region: c.Region, DeploymentID: aws.ToString(d.DeploymentId), Application: aws.ToString(d.ApplicationName),
		DeploymentGroup: aws.ToString(d.DeploymentGroupName), ConfigName: aws.ToString(d.DeploymentConfigName), Status: string(d.Status), Creator: string(d.Creator),
		CreatedAt: aws.ToTime(d.CreateTime), StartedAt: d.StartTime, CompletedAt: d.CompleteTime, CollectedAt: c.Now,
	}
	if d.ErrorInformation != nil {
		row.ErrorCode = string(d.ErrorInformation.Code)
	}
	if b := d.RollbackInfo; b != nil {
		row.RollbackOf, row.RolledBackBy = aws.ToString(b.RollbackTriggeringDeploymentId), aws.ToString(b.RollbackDeploymentId)
	}
	moves := movesOf(content(d.Revision))
	if len(moves) == 0 {
		return []schema.Deployment{row}
	}
	rows := make([]schema.Deployment, 0, len(moves))
	for _, m := range moves {
		row.FunctionName, row.Alias, row.FromVersion, row.ToVersion = m.Name, m.Alias, m.CurrentVersion, m.TargetVersion
		row.FunctionARN = fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", c.Partition, c.Region, c.Account, m.Name)
		rows = append(rows, row)
	}
	return rows
}

// content is the revision's AppSpec where it came with the deployment; "" when
// it is kept in a bucket.
func content(r *types.RevisionLocation) string {
	switch {
	case r == nil:
		return ""
	case r.AppSpecContent != nil:
		return aws.ToString(r.AppSpecContent.Content)
	case r.String_ != nil: //nolint:staticcheck // deprecated, and what CodeDeploy answers for deployments that were made with it
		return aws.ToString(r.String_.Content) //nolint:staticcheck // see above
	default:
		return ""
	}
}

// move is what an AppSpec does to one function.
type move struct {
	Name, Alias, CurrentVersion, TargetVersion string
}

// movesOf reads an AppSpec, which is JSON or YAML, as far as its functions.
func movesOf(appSpec string) []move {
	moves, ok := jsonMoves(appSpec)
	if !ok {
		moves = yamlMoves(appSpec)
	}
	for i, m := range moves {
		if _, name, _, ok := collect.Function(m.Name); ok {
			moves[i].Name = name // given as an ARN
		}
	}
	return slices.DeleteFunc(moves, func(m move) bool { return m.Name == "" })
}

func jsonMoves(appSpec string) (moves []move, ok bool) {
	var spec struct {
		Resources []map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	decoder := json.NewDecoder(strings.NewReader(appSpec))
	decoder.UseNumber()
	if decoder.Decode(&spec) != nil {
		return nil, false
	}
	for _, resource := range spec.Resources {
		for _, r := range resource {
			text := func(name string) string {
				if v := r.Properties[name]; v != nil {
					return fmt.Sprint(v)
				}
				return ""
			}
			moves = append(moves, move{text("Name"), text("Alias"), text("CurrentVersion"), text("TargetVersion")})
		}
	}
	return moves, true
}

// yamlMoves reads the properties of functions, a line each, which is how an
// AppSpec writes them: every item of the list of resources is a function.
func yamlMoves(appSpec string) []move {
	var moves []move
	inResources := false
	for line := range strings.Lines(appSpec) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\r\n"), " #")
		text := strings.TrimSpace(line)
		key, value, isPair := strings.Cut(text, ":")
		item := strings.HasPrefix(text, "-")
		if !isPair {
			continue // blank, or no property
		}
		key, value = strings.Trim(key, `"'- `), strings.Trim(strings.TrimSpace(value), `"'`)
		if !item && line[0] != ' ' && line[0] != '\t' {
			inResources = strings.EqualFold(key, "Resources")
		}
		switch {
		case !inResources:
		case item:
			moves = append(moves, move{})
		case len(moves) > 0:
			moves[len(moves)-1].set(strings.ToLower(key), value)
		}
	}
	return moves
}

func (m *move) set(property, value string) {
	switch property {
	case "name":
		m.Name = value
	case "alias":
		m.Alias = value
	case "currentversion":
		m.CurrentVersion = value
	case "targetversion":
		m.TargetVersion = value
	}
}
