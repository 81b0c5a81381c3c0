/// What both transports of agents share.
package enum OpAMPEndpoint {
    package static let path = "/v1/opamp"
    /// Where an enrolment token is exchanged for a token of one agent.
    package static let enrolPath = "/v1/opamp/enrol"
}
