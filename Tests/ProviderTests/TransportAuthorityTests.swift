import Provider
import Testing

@Test(arguments: [
    "127.0.0.1", "127.0.0.1:8080", "127.255.0.9:1", "localhost", "LOCALHOST:65535", "[::1]", "[::1]:4320",
])
func `a loopback authority in any spelling is known`(text: String) {
    #expect(Authority(text)?.isLoopback == true)
}

@Test(arguments: [
    "example.com", "127.0.0.1.example.com", "localhost.example.com:80", "128.0.0.1", "0.0.0.0:8080", "127.1",
    "127.0.0.256", "127.0.0.", "[::]", "[fe80::1]:80", "10.0.0.1", "127.0.0.0x1",
])
func `another host is not loopback`(text: String) {
    #expect(Authority(text)?.isLoopback == false)
}

@Test(arguments: [
    "", ":8080", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1:8a", "::1", "[::1", "[::1]8080",
    "user@localhost", "localhost/", "local host", "[localhost]:1", "http://localhost",
])
func `what is no authority is refused`(text: String) {
    #expect(Authority(text) == nil)
}

@Test(arguments: ["127.0.0.1:8080", "[::1]:0", "localhost"])
func `an authority is written as it was read`(text: String) {
    #expect(Authority(text)?.description == text)
}
