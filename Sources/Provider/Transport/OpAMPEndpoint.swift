/// What both transports of agents share.
package enum OpAMPEndpoint {
    package static let path = "/v1/opamp"
}
