import TestSupport
import Testing

@testable import OpAMP

@Suite struct SecretMaskTests {
    /// Each with `§` around what must not be shown; the rest stays as it is.
    static let cases: [String] = [
        // Fluent Bit, classic.
        "[OUTPUT]\n    Name  es\n    HTTP_User  admin\n    HTTP_Passwd  §hun ter2§\n    Port 9200\n",
        "    http_passwd §\"abc\" def§\n    Host x",
        "    http_passwd \"§abc§\"\n    Host x",
        "    aws_secret_access_key\t§wJalr/XUtn§\r\n    Region eu\r\n",
        "    Header  Authorization §Bearer abc.def§\n    Header X-Team blue",
        "    Header X-Api-Key §k1§\n    splunk_token §t§",
        "    Shared_Key §a,b;c&d§\n",
        "    Record api_key §k§\n    Add password §p w§\n",
        "    Passwd ${ES_PASSWORD}\n    tls.key_passwd §x$§",
        // YAML.
        "pipeline:\n  outputs:\n    - name: es\n      http_passwd: §hunter2§\n      port: 9200\n",
        "password: \"§a # b§\" # why\nuser: ann\n",
        "password: '§it''s§'\nuser: ann",
        "password: |\n  §one§\n\n  §two§\nuser: ann\n",
        "- token: >-\n    §folded§\n  user: ann\n",
        "private_key:\n  §abc§\nport: 1",
        "tokens:\n§- a§\n§- b§\nuser: ann",
        "token: §abc§\n  §def§\nuser: ann",
        "out: {user: ann, password: §a b§, port: 1}",
        "headers:\n  - Authorization §Bearer abc§\n  - \"X-Auth-Token: §abc§\"\n  - \"Authorization: §Bearer a b, c§\"\n",
        "header: Authorization §Basic abc=§\nport: 1",
        "env:\n  - name: DB_PASSWORD\n    value: §hunter2§\n  - name: HOME\n    value: /root\n",
        "auth:\n  user: ann\n  password: §x§\n",
        // Fluentd.
        "<source>\n  <security>\n    shared_key §k e y§\n    self_hostname a\n  </security>\n</source>\n",
        "  password \"#{ENV['PW']}\"\n  access_token \"#{ENV[\"T\"]}\"\n",
        "  aws_sec_key x\n  secret_key §\"a\"b§\n",
        "  <auth>\n    username ann\n    password §p§\n  </auth>\n",
        // JSON.
        #"{"user":"ann","password":"§a\"b§","port":1}"#,
        "{\n  \"token\": §12345§,\n  \"port\": 1\n}",
        "{\"password\":\n    \"§abc§\",\"a\":1}",
        #"{"tokens":[§"a","b]"§],"a":1,"auth":{"user":"u","password":"§p§"}}"#,
        #"{"credentials":{§"a":{"b":"c"}§},"host":"h"}"#,
        #"{"body":"{\"password\":\"§abc§\",\"x\":\"y\"}"}"#,
        #"{"Authorization":"§Basic abc§","Author":"ann"}"#,
        // Lines of keys and values.
        "password=§a b§\nuser=ann", "user=ann password=§abc§ port=1", "api.key: §x§", "ApiKey = §x§",
        "Server=x;AccountKey=§abc==§;Endpoint=y", "https://h/x?access_token=§abc§&y=1",
        "run: agent --password §abc§ --port 1", "password := §x§", ":password => \"§abc§\"",
        "password=§a\\§\n§b§\nuser=c",
        "# password: §old§\n# password §old§\n# Authentication for the store\nauthor: ann",
        "<password>§abc§</password>",
        "PASSWORD=§x§", "my-passwd-2: §x§", "set-cookie: §sid=1§", "pwd: §x§", "psk §x§",
        // URLs.
        "url: https://ann:§p:w@d§@host:9200/a", "http://h:80/x@y and ws://a:§b/c§@h", "ftp://ann@host/", "://:§p§@h",
        "mongodb://u:${PW}@h/", "http://h:8080/", "amqp://a:§b§@c,amqp://d:§e§@f",
        // Private keys.
        "-----BEGIN RSA PRIVATE KEY-----\n§MIIE\nabc=§\n-----END RSA PRIVATE KEY-----\nnext",
        "key: |\n  -----BEGIN PRIVATE KEY-----\n§  MIIE§\n  -----END PRIVATE KEY-----\nnext: 1",
        #"{"k":"-----BEGIN EC PRIVATE KEY-----§\nMIIE\n§-----END EC PRIVATE KEY-----\n"}"#,
        "-----BEGIN PRIVATE KEY-----\n§MIIE without an end\npassword x§",
        "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n",
        // What hides nothing.
        "author: ann\nauthors = x\nport 1\n[SERVICE]\n    Flush 1\n    HTTP_Server On", "password: ${PW}\ntoken=${T}",
        "token=§$ecret§",
        "password:\nuser: ann", "password: \"\"\nauth: true\ntoken: null", "", "\n\n", "password", "password:",
        "password=",
        "authority: x\nco-author x", "password: ***MASKED***",
    ]

    @Test(arguments: cases)
    func `secrets are masked, and nothing else`(text: String) {
        var (plain, masked) = ("", "")
        for (index, part) in text.split(separator: "§", omittingEmptySubsequences: false).enumerated() {
            plain += part
            masked += index % 2 == 1 ? SecretMask.mark : String(part)
        }
        #expect(SecretMask.masked(plain) == masked)
        #expect(SecretMask.masked(masked) == masked, "masked once more nothing changes")
    }

    @Test(arguments: [
        ("authentication failed for ann", "authentication failed for ann"),
        ("invalid token: §abc§ in line 3", "x"), ("cannot reach https://ann:§pw§@es:9200/: refused", "x"),
        ("header Authorization: §Bearer abc§ was refused", "x"), ("password=§abc§, user=ann", "x"),
        (#"unknown key in {"secret":"§abc§"}"#, "x"),
    ])
    func `in a message a space does not part a key from its value`(text: String, _: String) {
        let parts = text.split(separator: "§", omittingEmptySubsequences: false)
        let masked = parts.enumerated().map { $0 % 2 == 1 ? SecretMask.mark : String($1) }.joined()
        #expect(SecretMask.masked(message: parts.joined()) == masked)
    }

    @Test func `bytes that are no text are masked too`() {
        let secret = Array("password hunter2".utf8)
        let masked = SecretMask.masked([0xff, 0xfe, 0x0a] + secret + [0x0a, 0xff])
        #expect(masked == [0xff, 0xfe, 0x0a] + Array("password \(SecretMask.mark)".utf8) + [0x0a, 0xff])
    }

    @Test func `the line of a mark is told`() {
        #expect(SecretMask.firstMark(in: "a\nb ***MASKED***\n***MASKED***") == 2)
        #expect(SecretMask.firstMark(in: "***MASKED**") == nil && SecretMask.firstMark(in: "") == nil)
    }

    @Test func `any text can be masked, and stays whole where there is no key`() {
        var random = SeededRandom()
        let parts = [
            "password", "token", ":", "=", " ", "\n", "\"", "'", "\\", "{", "}", "[", "]", "|", "://", "@",
            "-----BEGIN ",
            "PRIVATE KEY-----", "-----END ", "auth", "é", "#", "<", ">", "-", "a", "${A}", "\r\n", "\t",
        ]
        for _ in 0..<3_000 {
            let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in parts.randomElement(using: &random)! }
                .joined()
            let masked = SecretMask.masked(text)
            #expect(masked.utf8.count <= text.utf8.count * 13 + 13)
            if !text.contains("password"), !text.contains("token"), !text.contains("auth"), !text.contains("@"),
                !text.contains("BEGIN")
            {
                #expect(masked == text)
            }
        }
    }

    /// Each would take minutes if the time were not linear.
    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            "password=\"", "token='", "://a:b", "://a:b@", "@", "password:\\\"", "{\"token\":", "-----BEGIN ",
            "password ",
            "--token ", "password:{", "# token a ", "name:", "key=\"\\", "<token>",
        ])
    func `the time grows with the length alone`(part: String) {
        let text = String(repeating: part, count: 50_000 / part.utf8.count)
        #expect(SecretMask.masked(text).utf8.count >= 0)
        #expect(SecretMask.masked(message: text).utf8.count >= 0)
    }
}
