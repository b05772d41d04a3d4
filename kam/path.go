package kam

import "slices"

// Label is the step that a state stands at, "1.1.5 Management confirmation".
func (s State) Label() string { return s.Spec().Step.Label() }

// StepsOf lists the boxes that a stage carries out, in their order; nil for
// the stages that belong to no box.
func StepsOf(stage Stage) []StepCode {
	switch stage {
	case StageOpen:
		return []StepCode{"1.1.1"}
	case StageIdentify:
		return []StepCode{"1.1.2", "1.1.3"}
	case StageDecide:
		return []StepCode{"1.1.4", "1.1.6"}
	case StageAnalyze:
		return []StepCode{"1.2.2", "1.2.3", "1.2.4", "1.2.5", "1.2.6"}
	case StageSegment:
		return []StepCode{"1.3.1", "1.3.2", "1.3.3", "1.3.4", "1.3.5", "1.3.6", "1.3.7"}
	case StageValidate:
		return []StepCode{"1.4.1", "1.4.2", "1.4.3", "1.4.4", "1.4.5", "1.4.6", "1.4.7"}
	case StageClassify:
		return []StepCode{"1.5.1", "1.5.2", "1.5.3", "1.5.4"}
	case StageHandOff:
		return []StepCode{"1.5.6"}
	}
	return nil
}

// MainPath lists the states that a NEW case without incident goes through.
var MainPath = []State{Draft, Identifying, DataEntry, Deciding, AwaitingConfirmation, AwaitingCompletion,
	Analyzing, Segmenting, Validating, Classifying, AwaitingEndorsement, HandingOff, Completed}

// passedBy are the states of MainPath that no case of a type gets to (P2.3).
var passedBy = map[CaseType][]State{
	Modify:     {Deciding, AwaitingCompletion},
	Deactivate: {Deciding, AwaitingCompletion, Analyzing, Segmenting, Classifying, AwaitingEndorsement},
	Reclassify: {Draft, DataEntry, Deciding, AwaitingConfirmation, AwaitingCompletion},
}

// MainPathOf lists the states that a case of a type without incident goes through.
// A MODIFY passes over those that its change does not call for.
func MainPathOf(t CaseType) []State {
	var path []State
	for _, s := range MainPath {
		if !slices.Contains(passedBy[t], s) {
			path = append(path, s)
		}
	}
	return path
}
