package routes

import "github.com/kamflow/kamflow/kam"

// How programs sign in stands beside the table: it is no use case of the process,
// and whoever asks is nobody yet. A program asks at Login, shows the code that it
// gets, and asks at LoginWait what became of it. The owner of the machine names at
// LoginOwn as whom.
const (
	Login     = Prefix + "/login"
	LoginWait = Login + "/wait"
	LoginOwn  = Login + "/own"
	Logout    = Prefix + "/logout"
)

// LoginAsked is what a program asks with.
type LoginAsked struct {
	Name   string     `json:"name,omitempty"`        // what it says that it is
	User   kam.UserID `json:"user_id,omitempty"`     // at LoginOwn
	Device string     `json:"device_code,omitempty"` // at LoginWait
}

// LoginAnswer is what it gets, by the names of RFC 8628 where that has them.
type LoginAnswer struct {
	Device  string     `json:"device_code,omitempty"` // its token, once somebody agrees
	Code    string     `json:"user_code,omitempty"`
	Page    string     `json:"verification_uri,omitempty"`
	Whole   string     `json:"verification_uri_complete,omitempty"`
	Expires int        `json:"expires_in,omitempty"` // seconds
	Every   int        `json:"interval,omitempty"`   // seconds between two questions
	State   string     `json:"state,omitempty"`      // PENDING, AGREED, DECLINED, UNKNOWN
	User    kam.UserID `json:"user_id,omitempty"`
	Token   string     `json:"token,omitempty"` // at LoginOwn
}
