package routes

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/service"
)

const tagCases = "Cases"

// OneCase names a case.
type OneCase struct {
	No kam.CaseNo `path:"no" maxLength:"80" example:"KAM-2026-000031"`
}

// NewRequest opens a case.
type NewRequest struct{ Body service.Request }

// NewPreview is the data of a request that is not sent yet.
type NewPreview struct{ Body customer.RequestData }

// NewAct is what somebody does to a case.
type NewAct struct {
	OneCase
	IfMatch string `header:"If-Match" maxLength:"200" doc:"ETag of the case that the act is bound to; the same as expect_revision and material_hash"`
	Body    ActDocument
}

// ActDocument is an act, with the data that it brings.
type ActDocument struct {
	onboarding.Act
	Data *customer.RequestData `json:"data,omitempty"`
}

// CaseFilter picks cases.
type CaseFilter struct {
	Paging
	Customer  string           `query:"customer" maxLength:"200" doc:"A number, or part of a name"`
	Type      kam.CaseType     `query:"type" maxLength:"40"`
	State     onboarding.State `query:"state" maxLength:"60"`
	Requester kam.UserID       `query:"requester" maxLength:"80"`
	Territory string           `query:"territory" maxLength:"80" doc:"The node and all below it"`
	OlderThan string           `query:"older_than" maxLength:"40" doc:"Since the last change: 36h, 30m"`
	Open      bool             `query:"open"`
	Step      kam.StepCode     `query:"step" maxLength:"20" doc:"Stands in the box of the deck, or in one within it: 1.1, 1.1.5"`
	Owed      kam.Party        `query:"owed" maxLength:"20" doc:"Whose turn it is: REQUESTER, MANAGER, STEWARD, COMPLIANCE, ENGINE"`
	Overdue   bool             `query:"overdue" doc:"Beyond the target of the stage"`
	Order     service.Order    `query:"order" maxLength:"20" doc:"CHANGED, the case changed last first; of open cases also AGE, STAGE (longest in its stage first), TARGET (first to pass its target first)"`
}

// FilterOf is a filter as it goes in.
func FilterOf(f service.Filter) CaseFilter {
	in := CaseFilter{Customer: f.Customer, Type: f.Type, State: f.State, Requester: f.Requester, Territory: f.Territory, Open: f.Open,
		Step: f.Step, Owed: f.Owed, Overdue: f.Overdue, Order: f.Order}
	if f.OlderThan != 0 {
		in.OlderThan = f.OlderThan.String()
	}
	return in
}

// MapOf picks the cases of the map.
type MapOf struct {
	Territory string       `query:"territory" maxLength:"80" doc:"The node and all below it"`
	Type      kam.CaseType `query:"type" maxLength:"40"`
	Requester kam.UserID   `query:"requester" maxLength:"80"`
}

// ChangesAfter says behind which place.
type ChangesAfter struct {
	After string `query:"after" maxLength:"200" doc:"next of the answer before, or the id of a change; empty is now"`
}

// InboxPage picks a page of the own inbox.
type InboxPage struct{ Paging }

// CasePage picks a page of what belongs to a case.
type CasePage struct {
	OneCase
	Paging
}

// The rows of cases.
var (
	Start = row(post(tagCases, "Start", "/cases", "Open a case; the same request_key is the same case", access.ActionStart, access.ActionReview).like(exampleRequest).tells(),
		func(ctx context.Context, s service.Service, who service.Principal, in *NewRequest) (service.Started, error) {
			return s.Start(ctx, who, in.Body)
		}).tagged(func(s service.Started) string { return CaseTag(s.Progress.Snapshot) })

	Preview = row(post(tagCases, "Preview", "/cases/preview", "What would become of a request for a new customer: what its form lacks, who may be the same, where it would go; nothing is kept", access.ActionStart).like(exampleRequest.Data),
		func(ctx context.Context, s service.Service, who service.Principal, in *NewPreview) (service.Preview, error) {
			return s.Preview(ctx, who, in.Body)
		})

	Decide = row(post(tagCases, "Decide", "/cases/{no}/acts", "Do something to a case: decide, enter data, withdraw, comment; the same decision_id is the same act").like(exampleAct).tells(),
		func(ctx context.Context, s service.Service, who service.Principal, in *NewAct) (onboarding.Progress, error) {
			if err := in.bind(); err != nil {
				return onboarding.Progress{}, err
			}
			return s.Decide(ctx, who, in.No, in.Body.Act, in.Body.Data)
		}).tagged(func(p onboarding.Progress) string { return CaseTag(p.Snapshot) })

	Case = row(get(tagCases, "Case", "/cases/{no}/position", "The position of a case: state, step, task"),
		func(ctx context.Context, s service.Service, who service.Principal, in *OneCase) (onboarding.Snapshot, error) {
			return s.Case(ctx, who, in.No)
		}).tagged(CaseTag)

	CaseView = row(get(tagCases, "CaseView", "/cases/{no}", "A case as you may see it: without its data where you may not"),
		func(ctx context.Context, s service.Service, who service.Principal, in *OneCase) (service.CaseView, error) {
			return s.CaseView(ctx, who, in.No)
		}).tagged(func(v service.CaseView) string { return CaseTag(v.Snapshot) })

	Revisions = list(get(tagCases, "Revisions", "/cases/{no}/revisions", "The revisions of a case with their data", access.ActionRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *CasePage, _ int) ([]service.Revision, error) {
			return s.Revisions(ctx, who, in.No)
		}, func(r service.Revision) string { return strconv.Itoa(r.No) })

	Events = list(get(tagCases, "Events", "/cases/{no}/events", "What happened to a case", access.ActionRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *CasePage, _ int) ([]kam.AuditEvent, error) {
			return s.Events(ctx, who, in.No)
		}, func(e kam.AuditEvent) string { return strconv.FormatInt(e.Seq, 10) })

	Records = list(get(tagCases, "Records", "/cases/{no}/records", "What the rules decided on a case and why", access.ActionRead),
		func(ctx context.Context, s service.Service, who service.Principal, in *CasePage, _ int) ([]onboarding.DecisionRecord, error) {
			return s.Records(ctx, who, in.No)
		}, func(r onboarding.DecisionRecord) string { return r.RecordID })

	Cases = row(get(tagCases, "Cases", "/cases", "The cases that you may read, in the order that is asked for"), cases)

	Map = row(get(tagCases, "Map", "/map", "Where cases that you may read stand in the boxes of the deck, and what went through them lately"),
		func(ctx context.Context, s service.Service, who service.Principal, in *MapOf) (service.ProcessMap, error) {
			return s.Map(ctx, who, service.MapFilter{Territory: in.Territory, Type: in.Type, Requester: in.Requester})
		})

	Changes = row(get(tagCases, "Changes", "/changes", "What has changed of what you may read; /events tells the same as it happens"),
		func(ctx context.Context, s service.Service, who service.Principal, in *ChangesAfter) (service.Changes, error) {
			return s.Changes(ctx, who, in.After)
		})

	Inbox = list(get(tagCases, "Inbox", "/inbox", "What waits for you"),
		func(ctx context.Context, s service.Service, who service.Principal, _ *InboxPage, _ int) ([]service.InboxItem, error) {
			return s.Inbox(ctx, who)
		}, func(i service.InboxItem) string { return i.Task.ID })

	HandOver = row(post(tagCases, "HandOver", "/hand-over", "Give all your open tasks to a colleague, for a leave; each case asks who may").
			like(service.HandOver{DecisionID: exampleID, To: "lea.terr", Reason: "On leave until 6 January."}).tells(),
		func(ctx context.Context, s service.Service, who service.Principal, in *TasksHandedOver) (service.HandedOver, error) {
			return s.HandOver(ctx, who, in.Body)
		})
)

// TasksHandedOver is the order to hand over.
type TasksHandedOver struct{ Body service.HandOver }

// cases is a page of the list of cases. It goes on behind the last case of the
// page before, wherever that stands meanwhile: a case that changes comes to the
// front, or to the end of what waits longest, so no other is left out or told
// twice.
func cases(ctx context.Context, s service.Service, who service.Principal, in *CaseFilter) (page Page[service.CaseLine], err error) {
	f := service.Filter{Customer: in.Customer, Type: in.Type, State: in.State, Requester: in.Requester, Territory: in.Territory, Open: in.Open,
		Step: in.Step, Owed: in.Owed, Overdue: in.Overdue, Order: in.Order, Limit: in.Limit + 1}
	if in.OlderThan != "" {
		if f.OlderThan, err = time.ParseDuration(in.OlderThan); err != nil || f.OlderThan < 0 {
			return page, kam.Errorf(kam.Invalid, "%q is no duration", in.OlderThan).On("older_than").Try("write 36h or 30m")
		}
	}
	at, err := in.place()
	if err != nil {
		return page, err
	}
	if at.Key != "" {
		no, when, _ := strings.Cut(at.Key, " ")
		if f.BehindAt, err = time.Parse(time.RFC3339Nano, when); err != nil {
			return page, kam.Errorf(kam.Invalid, "this is no cursor of a list of cases").On("cursor").Try("send the next_cursor of the page before, or none")
		}
		f.Behind = kam.CaseNo(no)
	}
	if page.Items, err = s.Cases(ctx, who, f); err == nil && len(page.Items) > in.Limit {
		page.Items = page.Items[:in.Limit]
		last := page.Items[in.Limit-1]
		page.Next = cursor(place{Key: string(last.CaseNo) + " " + last.Place(in.Order).UTC().Format(time.RFC3339Nano)})
	}
	return page, err
}

// CaseTag is the ETag of a case: its revision and the material_hash, which are
// what a decision is bound to. It says nothing of the rest of the case, so an
// answer must not be kept by it.
func CaseTag(s onboarding.Snapshot) string {
	if s.CaseNo == "" {
		return ""
	}
	return fmt.Sprintf("\"%d.%s\"", s.Revision, s.MaterialHash)
}

// bind binds the act to what If-Match says.
func (in *NewAct) bind() error {
	if in.IfMatch == "" || in.IfMatch == "*" {
		return nil
	}
	no, hash, ok := strings.Cut(strings.Trim(in.IfMatch, `"`), ".")
	revision, err := strconv.Atoi(no)
	if err != nil || !ok || revision < 0 {
		return kam.Errorf(kam.Invalid, "this is no ETag of a case").On("If-Match").Try("send the ETag that came with the case")
	}
	act := &in.Body.Act
	if act.ExpectRevision != 0 && act.ExpectRevision != revision || act.ExpectHash != "" && act.ExpectHash != hash {
		return kam.Errorf(kam.Invalid, "If-Match and the act name different data").On("If-Match").Try("leave one of them out")
	}
	act.ExpectRevision, act.ExpectHash = revision, hash
	return nil
}
