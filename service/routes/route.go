package routes

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/service"
)

// Prefix is where all routes begin, with their version.
const Prefix = "/api/v1"

// AsHeader names who shall act, for the owner of a machine who may speak for
// others, in demonstrations and tests. It is escaped as a query is.
const AsHeader = "Kamflow-As"

// A Spec is what a row says besides its types.
type Spec struct {
	// Name is that of the method of [service.Service], and the id of the operation.
	Name         string
	Method, Path string
	// Asks are the actions of the matrix that the method asks for, one of which is
	// enough; none where everybody who is known may, or the record decides.
	Asks []access.Action
	Tag  string
	Text string // one line for people
	// Again says that it may be sent again after an answer was lost: it reads, or
	// carries a key of its own.
	Again bool
	// Tells says that a refusal brings along what was found: the case that was
	// opened and did not answer, the position that stands against an act.
	Tells   bool
	MaxBody int64 // bytes; 0 is [MaxBody]
	Example any   // of the document that goes in
}

// The bounds of documents that come in, in bytes.
const (
	MaxBody = 1 << 20
	// MaxFile is for documents that are read as a whole: policies, organisations.
	MaxFile = 16 << 20
	// MaxStream is for those that are read row by row.
	MaxStream = 4 << 30
)

// A Route is one row with its types.
type Route[In, Out any] struct {
	Spec
	Call func(ctx context.Context, s service.Service, who service.Principal, in *In) (Out, error)
	// ETag, where it is there, says what a decision on the answer is bound to.
	ETag func(Out) string
}

// A Row is a route whose types are not known where it is used.
type Row interface {
	About() Spec
	// In and Out are the types of what goes in and comes out.
	In() reflect.Type
	Out() reflect.Type
	// Serve registers the route.
	Serve(api huma.API, d Door)
}

// A Door is what a server does before and after the service is asked.
type Door struct {
	Service service.Service
	// Who is who asks, as the server has found out before.
	Who func(context.Context) service.Principal
	// Refuse makes an answer of an error, with what was found where that is told.
	Refuse func(ctx context.Context, err error, found any) error
	// Describe completes what the document says about a route.
	Describe func(Spec, *huma.Operation)
}

// All are the rows in their order.
var All []Row

func row[In, Out any](s Spec, call func(context.Context, service.Service, service.Principal, *In) (Out, error)) *Route[In, Out] {
	r := &Route[In, Out]{Spec: s, Call: call}
	All = append(All, r)
	return r
}

func (r *Route[In, Out]) tagged(etag func(Out) string) *Route[In, Out] {
	r.ETag = etag
	return r
}

// About is the row without its types.
func (r *Route[In, Out]) About() Spec { return r.Spec }

// In is the type of what goes in.
func (r *Route[In, Out]) In() reflect.Type { return reflect.TypeFor[In]() }

// Out is the type of what comes out.
func (r *Route[In, Out]) Out() reflect.Type { return reflect.TypeFor[Out]() }

type plain[Out any] struct{ Body Out }

type withTag[Out any] struct {
	ETag string `header:"ETag" doc:"Revision and material_hash that a decision is bound to: send it as If-Match"`
	Body Out
}

// Serve registers the route.
func (r *Route[In, Out]) Serve(api huma.API, d Door) {
	op := huma.Operation{
		OperationID: r.Name, Method: r.Method, Path: Prefix + r.Path, Summary: r.Text, Tags: []string{r.Tag},
		MaxBodyBytes: r.MaxBody, RejectUnknownQueryParameters: true,
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = MaxBody
	}
	d.Describe(r.Spec, &op)
	ask := func(ctx context.Context, in *In) (Out, error) {
		out, err := r.Call(ctx, d.Service, d.Who(ctx), in)
		if err == nil {
			return out, nil
		}
		var found any
		if r.Tells && !reflect.ValueOf(&out).Elem().IsZero() {
			found = out
		}
		return out, d.Refuse(ctx, err, found)
	}
	if r.ETag == nil {
		huma.Register(api, op, func(ctx context.Context, in *In) (*plain[Out], error) {
			out, err := ask(ctx, in)
			return &plain[Out]{out}, err
		})
		return
	}
	huma.Register(api, op, func(ctx context.Context, in *In) (*withTag[Out], error) {
		out, err := ask(ctx, in)
		return &withTag[Out]{r.ETag(out), out}, err
	})
}

// Nothing is the answer of what only does.
type Nothing struct{}

// Empty goes in where nothing does.
type Empty struct{}

func get(tag, name, path, text string, asks ...access.Action) Spec {
	return Spec{Name: name, Method: http.MethodGet, Path: path, Tag: tag, Text: text, Asks: asks, Again: true}
}

func post(tag, name, path, text string, asks ...access.Action) Spec {
	return Spec{Name: name, Method: http.MethodPost, Path: path, Tag: tag, Text: text, Asks: asks, Again: true}
}

func (s Spec) put() Spec             { s.Method = http.MethodPut; return s }
func (s Spec) upTo(bytes int64) Spec { s.MaxBody = bytes; return s }
func (s Spec) like(example any) Spec { s.Example = example; return s }
func (s Spec) tells() Spec           { s.Tells = true; return s }
