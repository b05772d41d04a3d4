package match

import (
	_ "embed"
	"strings"
)

//go:embed freemail.txt
var freeMailText string

// freeMail holds domains where anybody gets a mail box: they say nothing about
// a company (VF05) and never make two parties one.
var freeMail = func() map[string]bool {
	set := map[string]bool{}
	for _, d := range strings.Fields(freeMailText) {
		set[d] = true
	}
	return set
}()

// MailDomain is the domain of a mail address, and whether anybody gets a mail
// box there.
func MailDomain(email string) (domain string, free bool) {
	_, domain, _ = strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	return domain, freeMail[domain]
}
