package awssim

// Truth is what was planted: what analyzers must find, and what they must not.
// Its JSON form is a contract that scripts rely on.
type Truth struct {
	Planted    []Planted  `json:"planted"`
	NearMisses []NearMiss `json:"near_misses"`
}

// Class says how sure an analyzer that reads everything can be.
type Class string

// The classes of planted faults.
const (
	Certain  Class = "certain"  // the evidence proves it: must be found
	Possible Class = "possible" // the evidence suggests it: may be found
)

// Planted is a fault in the world.
type Planted struct {
	Analyzer string `json:"analyzer"`
	Resource string `json:"resource"` // ARN
	Class    Class  `json:"class"`
	Note     string `json:"note"`
}

// NearMiss is what resembles a fault and is none.
type NearMiss struct {
	Analyzer string `json:"analyzer"`
	Resource string `json:"resource"` // ARN
	Note     string `json:"note"`
}
