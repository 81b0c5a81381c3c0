import Provider
import Testing

@Test(
    arguments: [
        ([], false), ([""], false), (["gzip"], true), (["GZip"], true), (["x-gzip"], true), (["deflate, gzip"], true),
        (["deflate", "gzip"], true), (["deflate"], false), (["br, deflate"], false), (["*"], true), (["*;q=0"], false),
        (["gzip;q=0"], false), (["gzip;q=0.000"], false), (["gzip;q=0, *"], false), (["*;q=0, gzip"], true),
        (["gzip;q=0.001"], true), (["gzip; q=1.0"], true), (["gzip ;Q=0.5"], true), (["identity"], false),
        (["identity, gzip;q=0.5"], false), (["identity;q=0.5, gzip;q=0.8"], true), (["identity;q=0"], false),
        (["identity;q=0.5, *;q=0.8"], true), (["gzip;q=2"], false), (["gzip;q=abc"], false), (["gzip;q=0.1234"], false),
        (["gzip;q=1.001"], false), (["gzip;q="], false), ([", ,gzip,"], true), (["gzippy"], false),
        (["gzip;level=9"], true),
        (["deflate, gzip;q=1.0, *;q=0.5"], true), (["br;q=1.0, gzip;q=0.8, *;q=0.1"], true), (["gzip\t;\tq=1"], true),
    ] as [([String], Bool)])
func `an answer is compressed exactly when Accept-Encoding asks for it`(values: [String], isAccepted: Bool) {
    #expect(ContentCoding.acceptsGzip(values) == isAccepted)
}

@Test(
    arguments: [
        ([], .identity), ([""], .identity), (["identity"], .identity), (["gzip"], .gzip), (["GZIP"], .gzip),
        (["x-gzip"], .gzip), (["gzip, identity"], .gzip), (["identity", "gzip"], .gzip), (["br"], .other("br")),
        (["gzip, gzip"], .other("gzip, gzip")), (["deflate", "gzip"], .other("deflate, gzip")),
    ] as [([String], ContentCoding)])
func `a body is compressed as Content-Encoding says`(values: [String], coding: ContentCoding) {
    #expect(ContentCoding(values) == coding)
}
