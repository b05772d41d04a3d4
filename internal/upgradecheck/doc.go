// Package upgradecheck replays the histories of the open cases of a running
// installation with the workflows of this program, and says which of them
// would break. It reads, and changes nothing.
package upgradecheck
