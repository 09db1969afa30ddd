// Java 11 or newer: java Main.java. Reads APP_KEY and MASTER_SECRET from the environment.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;

public class Main {
    public static void main(String[] arguments) throws Exception {
        String credentials = System.getenv("APP_KEY") + ":" + System.getenv("MASTER_SECRET");
        HttpRequest request = HttpRequest.newBuilder(URI.create("https://pushapi-sgp.engagelab.com/v4/push"))
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Accept", "application/json")
            .header("Accept-Encoding", "identity")
            .header("User-Agent", "engagelab-push-worker")
            .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes()))
            .method("POST", HttpRequest.BodyPublishers.ofString("[\"\", \"plain\", \"it's 'quoted'\", \"say \\\"hi\\\"\", \"'\", \"\\\"\", \"'\\\\''\", \"\\\\\", \"\\\\\\\\\", \"ends in a backslash\\\\\", \"\\\\'\", \"\\\\\\\"\", \"\\\\n is no newline\", \"\\\\u0041 \\\\U00000041 \\\\x41 \\\\101\", \"line\\nline\\n\", \"\\r\\n\", \"\\r\", \"\\ttab\", \"\\n\", \" \", \"  spaces  \", \"$HOME ${HOME} $(id) `id` $$ $' $\\\"\", \"${1 + 1} `${x}` #{x} {{x}} {0} {} %s %d %% %n\", \"!! !x ; & | < > * ? [a] ~ # \\\\\", \"@file\", \"@-\", \"-x --json\", \"'''\", \"\\\"\\\"\\\"\", \"```\", \"` + \\\"`\\\" + `\", \"<!-- </script> -->\", \"/* */ // #\", \"\u00e9 \u00df \u4e2d\u6587 \u0627\u0644\u0639\u0631\u0628\u064a\u0629\", \"\ud83d\ude00 \ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud800\udf48 \udbff\udfff \udb40\udc01\", \"\u2028 \u2029 \u0085 \u00a0 \ufeff \ufffd \uffff \ue000\", \"\u202e backwards \u200b\", \"\\u0001 \\u0007 \\b \\u000b \\f \\u001b[31m \u007f \u009b31m\", \"e\u0301\", \"null\", \"{\\\"requests\\\":[]}\", \"EOF\", \"=1+1\"]"))
            .build();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
