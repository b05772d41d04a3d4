package kam

// Bounds of a batch.
const (
	MaxBatchRows      = 1_000_000  // customers
	MaxBatchFacts     = 12_000_000 // rows of sales or of profit and loss
	MaxBatchGroups    = 500_000
	MaxBatchScopes    = 250     // countries; one confirmation each
	MaxBatchRowSize   = 1 << 20 // bytes of one row
	MaxBatchKey       = 80
	MaxBatchFindings  = 200_000 // kept; the counts are of all
	BatchPriorMonths  = 120     // sales facts may be that old
	maxDecisionReason = 2000
)

// The files of a batch, as findings name them.
const (
	FileCustomers = "customers"
	FileSales     = "sales"
	FilePL        = "pl"
	FileGroups    = "groups"
)

// A BatchFinding says what is wrong with a row of a batch. A row with an ERROR
// is not applied; a WARNING is for the manager to know. It carries no personal
// data: values are left out where they might.
type BatchFinding struct {
	File     string   `json:"file"`
	Row      int      `json:"row,omitempty"` // data rows from 1; 0 is the file
	Line     int      `json:"line,omitempty"`
	Key      string   `json:"key,omitempty"` // customer number, account or group
	Column   string   `json:"column,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Remedy   string   `json:"remedy,omitempty"`
	// Said and Advice say both in other languages.
	Said   *Text `json:"message_text,omitempty"`
	Advice *Text `json:"remedy_text,omitempty"`
}

// Saying is the finding with what it says.
func (f BatchFinding) Saying(message, remedy Sentence) BatchFinding {
	f.Message, f.Said, f.Remedy, f.Advice = message.English, message.Text, remedy.English, remedy.Text
	return f
}

// What is the message as a Sentence.
func (f BatchFinding) What() Sentence { return Sentence{English: f.Message, Text: f.Said} }

// Sentence is the message, and the remedy where there is one.
func (f BatchFinding) Sentence() Sentence {
	if f.Remedy == "" {
		return f.What()
	}
	return Say("%s; %s", f.What(), f.HowTo())
}

// HowTo is the remedy as a Sentence.
func (f BatchFinding) HowTo() Sentence { return Sentence{English: f.Remedy, Text: f.Advice} }

// The rules of a batch, besides those of P3.4.
const (
	RuleBatchKey       = "IB01" // the row has no usable key
	RuleBatchTwice     = "IB02" // the key stands there twice
	RuleBatchTerritory = "IB03" // territory not known or not to be resolved
	RuleBatchOwner     = "IB04"
	RuleBatchGroup     = "IB05"
	RuleBatchAccount   = "IB06" // sales of an account that nobody has
	RuleBatchParent    = "IB07"
	RuleBatchStanding  = "IB08" // status, tier, coverage
	RuleBatchMonth     = "IB09"
	RuleBatchMoney     = "IB10"
	RuleBatchOpenCase  = "IB11" // an open case has the customer: the row is left alone
)

// RowOutcome is what becomes of a row of the book.
type RowOutcome string

// The outcomes of rows: the first three are known after the check, the others
// once the batch is applied.
const (
	RowReady     RowOutcome = "READY"
	RowRefused   RowOutcome = "REFUSED"
	RowSame      RowOutcome = "SAME" // equal to an earlier row of the file
	RowCreated   RowOutcome = "CREATED"
	RowUpdated   RowOutcome = "UPDATED"
	RowUnchanged RowOutcome = "UNCHANGED"
	RowSkipped   RowOutcome = "SKIPPED" // the customer is in an open case, or its identifier was taken meanwhile
)

// BatchCounts are the figures of a batch or of one scope of it.
type BatchCounts struct {
	Rows      int `json:"rows"`
	Ready     int `json:"ready"`
	Refused   int `json:"refused"`
	Same      int `json:"same,omitempty"`
	Warned    int `json:"with_warnings,omitempty"`
	New       int `json:"new,omitempty"`      // READY and not known yet
	Existing  int `json:"existing,omitempty"` // READY and known
	KeyHolder int `json:"key_accounts,omitempty"`
	Facts     int `json:"facts,omitempty"` // rows of sales and of profit and loss
	Accounts  int `json:"accounts,omitempty"`
	Groups    int `json:"groups,omitempty"`
}

// A BatchProposal is what the classification of the whole book proposes for a
// group. Nothing of it is done by itself: KA status is never automatic.
type BatchProposal struct {
	Group     string              `json:"group_id"`
	Name      string              `json:"name"`
	Change    ClassificationShift `json:"change"` // PROMOTE is a nominee
	Tier      Tier                `json:"tier,omitempty"`
	Proposed  Tier                `json:"proposed_tier,omitempty"`
	Score     Dec                 `json:"score"`
	Potential Money               `json:"potential"`
	HomeNode  string              `json:"home_node,omitempty"`
	Members   int                 `json:"members"`
	Why       string              `json:"headline,omitempty"`
}

// Add counts a row by what it was read or checked as.
func (c *BatchCounts) Add(o RowOutcome, warned bool) {
	switch o {
	case RowReady:
		c.Ready++
		if warned {
			c.Warned++
		}
	case RowSame:
		c.Same++
	default:
		c.Refused++
	}
}
