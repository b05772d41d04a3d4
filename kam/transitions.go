package kam

// when makes a guard of words and a test.
func when(text string, test func(Facts) bool) Guard { return Guard{Text: text, Test: test} }

func is(t ...CaseType) func(Facts) bool {
	return func(f Facts) bool {
		for _, x := range t {
			if f.Type == x {
				return true
			}
		}
		return false
	}
}

func by(a ...Actor) []Actor { return a }

// The states that withdraw and cancel leave from.
var beforeTheEnd = []State{Draft, DuplicateReview, DataEntry, ComplianceReview, AwaitingConfirmation, ChangesRequested, AwaitingCompletion, ValidationReview}

// Transitions is the state machine of a case (P2.6), every row written out.
// Rows 11 and 12 of the decisions are part of it: an identity change searches
// again and returns to where the case was, and an intent to withdraw that came
// before the commit wins.
var Transitions = append(transitions(), grouped()...)

func transitions() []Transition {
	unknownSoFar := func(f Facts) bool {
		return f.Type == NewCase && f.Match == "" || f.Type == Reactivate && f.Target == TargetInactive
	}
	never := func(f Facts) bool { return !f.Confirmed }
	confirmedOrFree := func(f Facts) bool {
		return f.newParty() && f.Confirmed ||
			f.Type == Modify && (!f.MaterialChanged || f.Confirmed) ||
			f.Type == Deactivate && f.Confirmed
	}
	return []Transition{
		{Draft, EvSubmitRequest, when("name, country and channel present; for other types than NEW the customer is named", func(f Facts) bool { return f.HasNameCountryChannel }), Identifying, by(ByRequester), "1.1.1 done"},
		{Draft, EvExpire, Guard{Text: "20 business days idle"}, Expired, by(ByTimer), "requester told"},

		{Identifying, EvNoMatch, when("NEW without a candidate, or REACTIVATE of an inactive customer; first pass", func(f Facts) bool {
			return unknownSoFar(f) && f.ReturnTo != ChangesRequested
		}), DataEntry, by(BySystem), "territory and owner resolved (1.1.3); a screening set that is there submits itself"},
		{Identifying, EvNoMatch, when("the same; search repeated after a change in CHANGES_REQUESTED", func(f Facts) bool { return unknownSoFar(f) && f.ReturnTo == ChangesRequested }), ChangesRequested, by(BySystem), "the changed data resubmit themselves; a confirmation whose material_hash is unchanged stays"},
		{Identifying, EvMatchFound, when("NEW and best match >= possible_at", func(f Facts) bool { return f.Type == NewCase && f.Match != "" }), DuplicateReview, by(BySystem), "candidates attached with scores"},
		{Identifying, EvTargetFound, when("MODIFY or DEACTIVATE and target is ACTIVE", func(f Facts) bool { return is(Modify, Deactivate)(f) && f.Target == TargetActive }), DataEntry, by(BySystem), "base_version of the customer pinned"},
		{Identifying, EvTargetInvalid, when("target unknown, already in an open case, or not of the status that the case is for", func(f Facts) bool {
			return is(Modify, Deactivate)(f) && f.Target != TargetActive || f.Type == Reactivate && f.Target != TargetInactive
		}), Rejected, by(BySystem), "reason TARGET_INVALID or OPEN_CASE_EXISTS with the case number"},
		{Identifying, EvReviewStarted, when("RECLASSIFY", is(Reclassify)), Analyzing, by(BySystem), "1.1 is skipped: entry from 3.3"},

		{DuplicateReview, EvNotDuplicate, when("class POSSIBLE or PROBABLE, or a data steward; search of the first pass", func(f Facts) bool {
			return (f.Match != MatchCertain || f.Steward) && f.ReturnTo != ChangesRequested
		}), DataEntry, by(ByRequester, BySteward), "waiver recorded with reason"},
		{DuplicateReview, EvNotDuplicate, when("class POSSIBLE or PROBABLE, or a data steward; search repeated from CHANGES_REQUESTED", func(f Facts) bool {
			return (f.Match != MatchCertain || f.Steward) && f.ReturnTo == ChangesRequested
		}), ChangesRequested, by(ByRequester, BySteward), "waiver recorded with reason"},
		{DuplicateReview, EvUseExisting, Guard{Text: "an existing customer is chosen"}, Merged, by(ByRequester, BySteward), "case linked to the existing customer"},
		{DuplicateReview, EvConvert, Guard{Text: "an existing customer is chosen"}, DataEntry, by(ByRequester, BySteward), "case_type becomes MODIFY; base_version pinned"},
		{DuplicateReview, EvSameRequest, when("the other case is NEW, open and older; class POSSIBLE or PROBABLE, or a data steward", func(f Facts) bool {
			return f.Type == NewCase && f.Earlier && (f.Match != MatchCertain || f.Steward)
		}), Merged, by(ByRequester, BySteward), "the requester follows the other case; what it lacks is attached to it"},
		{DuplicateReview, EvEscalate, Guard{Text: "SLA lapsed"}, DuplicateReview, by(ByTimer), "to the steward lead, repeats daily"},
		{DuplicateReview, EvExpire, Guard{Text: "20 business days idle"}, Expired, by(ByTimer), "requester told"},

		{DataEntry, EvSubmitData, when("NEW or REACTIVATE, screening set valid", func(f Facts) bool { return f.newParty() && f.ScreeningComplete }), Deciding, by(ByRequester), "revision n+1, material_hash computed; 1.2.1a"},
		{DataEntry, EvSubmitData, when("MODIFY with a material field changed, or DEACTIVATE", func(f Facts) bool { return f.Type == Modify && f.MaterialChanged || f.Type == Deactivate }), AwaitingConfirmation, by(ByRequester), "field diff attached"},
		{DataEntry, EvSubmitData, when("MODIFY, no material field changed, a classification input changed", func(f Facts) bool { return f.Type == Modify && !f.MaterialChanged && f.ClassInputChanged }), Analyzing, by(ByRequester), "no confirmation needed; scores computed again"},
		{DataEntry, EvSubmitData, when("MODIFY, no material field and no classification input changed", func(f Facts) bool { return f.Type == Modify && !f.MaterialChanged && !f.ClassInputChanged }), Validating, by(ByRequester), "no confirmation needed"},
		{DataEntry, EvChangeIdentity, when("NEW or REACTIVATE; an identity field given or changed since the last search", func(f Facts) bool { return f.newParty() && f.IdentityChanged }), Identifying, by(ByRequester), "1.1.2 and 1.1.3 run again; the data are kept and submitted when identification is done"},
		{DataEntry, EvExpire, Guard{Text: "20 business days idle"}, Expired, by(ByTimer), "requester told"},

		{Deciding, EvRecommend, when("ADD or REFER", func(f Facts) bool { return f.Recommendation == Add || f.Recommendation == Refer }), AwaitingConfirmation, by(BySystem), "DecisionRecord stored; task opened (Add? = Yes, provisional)"},
		{Deciding, EvRecommend, when("REFER_COMPLIANCE", func(f Facts) bool { return f.Recommendation == ReferCompliance }), ComplianceReview, by(BySystem), "DecisionRecord stored"},
		{Deciding, EvRecommend, when("REJECT and auto_reject", func(f Facts) bool { return f.Recommendation == Reject && f.AutoReject }), Rejected, by(BySystem), "Add? = No: Reject Customer; appeal offered"},
		{Deciding, EvRecommend, when("REJECT and not auto_reject", func(f Facts) bool { return f.Recommendation == Reject && !f.AutoReject }), AwaitingConfirmation, by(BySystem), "manager sees REJECT as the recommendation"},

		{ComplianceReview, EvClear, Guard{}, AwaitingConfirmation, by(ByCompliance), "note required"},
		{ComplianceReview, EvRefuse, Guard{}, Rejected, by(ByCompliance), "reason COMPLIANCE; the text is visible to compliance and auditor only"},
		{ComplianceReview, EvEscalate, Guard{Text: "SLA lapsed"}, ComplianceReview, by(ByTimer), "to the compliance lead, repeats daily"},
		{ComplianceReview, EvExpire, Guard{Text: "30 business days in state"}, Expired, by(ByTimer), "requester and manager told"},

		{AwaitingConfirmation, EvConfirm, when("NEW or REACTIVATE, detail set complete", func(f Facts) bool { return f.newParty() && f.DetailComplete }), Analyzing, by(ByConfirmer), "bound to material_hash; 1.1.5"},
		{AwaitingConfirmation, EvConfirm, when("NEW or REACTIVATE, detail set incomplete", func(f Facts) bool { return f.newParty() && !f.DetailComplete }), AwaitingCompletion, by(ByConfirmer), "bound to material_hash"},
		{AwaitingConfirmation, EvConfirm, when("MODIFY with a classification input changed", func(f Facts) bool { return f.Type == Modify && f.ClassInputChanged }), Analyzing, by(ByConfirmer), "bound to material_hash"},
		{AwaitingConfirmation, EvConfirm, when("MODIFY without one, or DEACTIVATE, last required", func(f Facts) bool {
			return f.Type == Modify && !f.ClassInputChanged || f.Type == Deactivate && f.LastRequired
		}), Validating, by(ByConfirmer), "bound to material_hash"},
		{AwaitingConfirmation, EvConfirm, when("DEACTIVATE of a key account member, first of two", func(f Facts) bool { return f.Type == Deactivate && !f.LastRequired }), AwaitingConfirmation, by(ByConfirmer), "second task opens for the endorser of the tier"},
		{AwaitingConfirmation, EvReject, Guard{Text: "reason code and text given"}, Rejected, by(ByConfirmer), "appeal offered"},
		{AwaitingConfirmation, EvSendBack, when("change rounds are left", func(f Facts) bool { return f.RoundsLeft }), ChangesRequested, by(ByConfirmer), "list of fields and comments; round + 1"},
		{AwaitingConfirmation, EvAmendMaterial, when("NEW or REACTIVATE; identity unchanged", func(f Facts) bool { return f.newParty() && !f.IdentityChanged }), Deciding, by(ByRequester), "open task withdrawn, new revision, decision computed again"},
		{AwaitingConfirmation, EvAmendMaterial, when("NEW or REACTIVATE; identity changed", func(f Facts) bool { return f.newParty() && f.IdentityChanged }), Identifying, by(ByRequester), "open task withdrawn, new revision, searched again"},
		{AwaitingConfirmation, EvAmendMaterial, when("MODIFY or DEACTIVATE", is(Modify, Deactivate)), AwaitingConfirmation, by(ByRequester), "open task withdrawn, new revision, new task"},
		{AwaitingConfirmation, EvReassign, Guard{Text: "by the manager, level above, or policy_admin"}, AwaitingConfirmation, by(ByManager, ByPolicy), "target must pass the separation-of-duties test"},
		{AwaitingConfirmation, EvReevaluate, when("NEW or REACTIVATE; a newer policy version is published", func(f Facts) bool { return f.newParty() && f.NewerPolicy }), Deciding, by(ByPolicy), "case takes the newer version; open task withdrawn"},
		{AwaitingConfirmation, EvEscalate, Guard{Text: "level SLA lapsed or no eligible manager at the level"}, AwaitingConfirmation, by(ByTimer), "next level joins; earlier approver keeps the right to decide"},
		{AwaitingConfirmation, EvExpire, Guard{Text: "30 business days in state"}, Expired, by(ByTimer), "never confirmed by default"},

		{ChangesRequested, EvChangeIdentity, when("NEW or REACTIVATE; an identity field given or changed since the last search", func(f Facts) bool { return f.newParty() && f.IdentityChanged }), Identifying, by(ByRequester), "1.1.2 and 1.1.3 run again"},
		{ChangesRequested, EvResubmit, when("NEW or REACTIVATE and (material_hash changed or never confirmed)", func(f Facts) bool { return f.newParty() && never(f) }), Deciding, by(ByRequester), "earlier confirmation void"},
		{ChangesRequested, EvResubmit, when("MODIFY with a material change, or DEACTIVATE, and (material_hash changed or never confirmed)", func(f Facts) bool {
			return (f.Type == Modify && f.MaterialChanged || f.Type == Deactivate) && never(f)
		}), AwaitingConfirmation, by(ByRequester), "earlier confirmation void"},
		{ChangesRequested, EvResubmit, when("confirmed or no confirmation needed, material_hash unchanged, a classification input changed", func(f Facts) bool { return confirmedOrFree(f) && f.ClassInputChanged }), Analyzing, by(ByRequester), "confirmation kept; scores computed again"},
		{ChangesRequested, EvResubmit, when("confirmed or no confirmation needed, material_hash unchanged, no classification input changed", func(f Facts) bool { return confirmedOrFree(f) && !f.ClassInputChanged }), Validating, by(ByRequester), "confirmation kept"},
		{ChangesRequested, EvExpire, Guard{Text: "20 business days idle"}, Expired, by(ByTimer), "requester told"},

		{AwaitingCompletion, EvSubmitDetails, when("detail set valid, material_hash unchanged", func(f Facts) bool { return f.DetailComplete && !f.HashChanged }), Analyzing, by(ByRequester), "1.2.1b"},
		{AwaitingCompletion, EvAmendMaterial, when("requester edits a material field; identity unchanged", func(f Facts) bool { return !f.IdentityChanged }), Deciding, by(ByRequester), "confirmation void"},
		{AwaitingCompletion, EvAmendMaterial, when("requester edits a material field; identity changed", func(f Facts) bool { return f.IdentityChanged }), Identifying, by(ByRequester), "confirmation void, searched again"},
		{AwaitingCompletion, EvExpire, Guard{Text: "20 business days idle"}, Expired, by(ByTimer), "manager told"},

		{Analyzing, EvAnalyzed, Guard{}, Segmenting, by(BySystem), "AnalysisResult stored; 1.2"},
		{Segmenting, EvSegmented, Guard{}, Validating, by(BySystem), "SegmentResult stored; 1.3"},

		{Validating, EvPass, when("no finding blocks; classification due", func(f Facts) bool { return !f.HasError && !f.HasReview && f.ClassificationDue() }), Classifying, by(BySystem), "customer committed ACTIVE in one transaction: point of no return; 1.4.7"},
		{Validating, EvPass, when("no finding blocks; classification not due", func(f Facts) bool { return !f.HasError && !f.HasReview && !f.ClassificationDue() }), HandingOff, by(BySystem), "customer committed; 1.4.7"},
		{Validating, EvReviewNeeded, when("only REVIEW findings", func(f Facts) bool { return !f.HasError && f.HasReview }), ValidationReview, by(BySystem), "findings listed"},
		{Validating, EvFail, when("an ERROR finding, case has a human requester", func(f Facts) bool { return f.HasError && f.HumanRequester() }), ChangesRequested, by(BySystem), "findings listed; does not use a change round"},
		{Validating, EvFail, when("an ERROR finding, RECLASSIFY (no human requester)", func(f Facts) bool { return f.HasError && !f.HumanRequester() }), ValidationReview, by(BySystem), "steward repairs through a MODIFY case or refuses"},
		{Validating, EvWithdraw, Guard{Text: "the intent was stored before the commit"}, Withdrawn, by(ByRequester), "tested in the commit transaction"},

		{ValidationReview, EvClear, when("every REVIEW finding waived with a reason", func(f Facts) bool { return !f.HasReview }), Validating, by(BySteward, ByCompliance), "rules run again with the waivers"},
		{ValidationReview, EvClear, when("findings of the other role are left", func(f Facts) bool { return f.HasReview }), ValidationReview, by(BySteward, ByCompliance), "own findings waived"},
		{ValidationReview, EvMerge, Guard{Text: "a duplicate is confirmed"}, Merged, by(BySteward), "linked to the existing customer"},
		{ValidationReview, EvSameRequest, when("the other case is NEW, open and older", func(f Facts) bool { return f.Type == NewCase && f.Earlier }), Merged, by(BySteward), "the requester follows the other case; what it lacks is attached to it"},
		{ValidationReview, EvSendBack, when("case has a human requester", Facts.HumanRequester), ChangesRequested, by(BySteward), "does not use a change round"},
		{ValidationReview, EvRefuse, Guard{Text: "reason given"}, Rejected, by(BySteward), "an existing customer stays as it was"},
		{ValidationReview, EvEscalate, Guard{Text: "SLA lapsed"}, ValidationReview, by(ByTimer), "to the steward lead, repeats daily"},
		{ValidationReview, EvExpire, Guard{Text: "30 business days in state"}, Expired, by(ByTimer), "requester and manager told"},

		{Classifying, EvClassified, when("no change of status or tier, no nomination", func(f Facts) bool { return !f.NeedsEndorsement }), HandingOff, by(BySystem), "ClassificationResult stored; a new member is reported to the account owner"},
		{Classifying, EvClassified, when("promotion, demotion, tier change, or a nomination", func(f Facts) bool { return f.NeedsEndorsement }), AwaitingEndorsement, by(BySystem), "endorsers resolved by tier"},

		{AwaitingEndorsement, EvEndorse, when("last required endorsement", func(f Facts) bool { return f.LastRequired }), HandingOff, by(ByEndorser), "KA? = KAs when the endorsed status is KA"},
		{AwaitingEndorsement, EvEndorse, when("more endorsements required", func(f Facts) bool { return !f.LastRequired }), AwaitingEndorsement, by(ByEndorser), "partial endorsement recorded"},
		{AwaitingEndorsement, EvDecline, Guard{Text: "reason given"}, HandingOff, by(ByEndorser), "status before the case stays (NON_KA for a new customer)"},
		{AwaitingEndorsement, EvChangeTier, Guard{Text: "another tier and a reason given"}, AwaitingEndorsement, by(ByEndorser), "endorsers of the new tier resolved; override recorded"},
		{AwaitingEndorsement, EvReassign, Guard{Text: "by the endorser, level above, or policy_admin"}, AwaitingEndorsement, by(ByEndorser, ByPolicy), "target must pass the separation-of-duties test"},
		{AwaitingEndorsement, EvEscalate, Guard{Text: "level SLA lapsed or no eligible endorser"}, AwaitingEndorsement, by(ByTimer), "next level joins"},
		{AwaitingEndorsement, EvLapse, Guard{Text: "30 business days in state"}, HandingOff, by(ByTimer), "status before the case stays; outcome flagged ENDORSEMENT_LAPSED"},

		{HandingOff, EvHandedOff, Guard{}, Completed, by(BySystem), "KA: start 2.1 for the key account. Non-KA: put on the call plan, 3.1"},

		{NeedsIntervention, EvRetry, when("a resume_state is kept", func(f Facts) bool { return f.BeforeFault.Kind() == Automatic }), Resume, by(ByOperator), "same inputs, same policy version"},
		{NeedsIntervention, EvCancel, when("resume_state before the commit", func(f Facts) bool { return f.BeforeFault.Kind() == Automatic && !f.BeforeFault.AfterCommit() }), Cancelled, by(ByOperator, ByPolicy), "two persons"},
	}
}

// grouped writes out the rows that P2.6 states for several states at once.
func grouped() []Transition {
	var rows []Transition
	for _, s := range beforeTheEnd {
		rows = append(rows,
			Transition{s, EvWithdraw, Guard{}, Withdrawn, by(ByRequester, ByManager), "reason optional"},
			Transition{s, EvCancel, Guard{Text: "reason given"}, Cancelled, by(ByOperator, ByPolicy), "two persons: asked by operator, agreed by policy_admin"})
	}
	for _, s := range States {
		if s.Kind == Automatic {
			rows = append(rows, Transition{s.State, EvFault, Guard{Text: "non-retryable error, or retries older than 24 h"}, NeedsIntervention, by(BySystem), "operators told; resume_state kept"})
		}
	}
	return rows
}
