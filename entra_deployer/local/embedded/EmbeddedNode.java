package entra;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.KeyStoreWrapper;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.ClassPathNode;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.ClassPathPlugins;
import org.elasticsearch.plugins.ClassPathPlugins.Entry;
import org.elasticsearch.transport.netty4.Netty4Plugin;
import org.elasticsearch.xpack.core.XPackPlugin;
import org.elasticsearch.xpack.esql.plugin.EsqlPlugin;
import org.elasticsearch.xpack.kql.KqlPlugin;
import org.elasticsearch.xpack.security.Security;
import org.elasticsearch.xpack.versionfield.VersionFieldPlugin;

/**
 * Runs one Elasticsearch node for as long as its parent keeps standard input open.
 *
 * <p>Standard input brings one {@code key=value} a line, {@code !key=value} for a secure setting (kept in memory only), and an
 * empty line as the end. Standard output answers with one line: {@code READY}, or {@code FAILED} and the causes, tab-separated.
 */
public final class EmbeddedNode {
    private static final List<Entry> PLUGINS = List.of(
        new Entry("transport-netty4", Netty4Plugin.class),
        new Entry("x-pack-core", XPackPlugin.class),
        new Entry("x-pack-security", Security.class, "x-pack-core"),
        new Entry("x-pack-kql", KqlPlugin.class, "x-pack-core"),
        new Entry("x-pack-esql", EsqlPlugin.class, "x-pack-core", "x-pack-kql"),
        new Entry("mapper-version", VersionFieldPlugin.class),
        new Entry("embedded", EmbeddedPlugin.class)
    );
    private static final int CLOSE_SECONDS = 10;
    private static final TimeValue INDICES_TIMEOUT = TimeValue.timeValueSeconds(20);

    private EmbeddedNode() {}

    public static void main(String[] args) throws InterruptedException {
        PrintStream answer = System.out; // the log configuration below takes System.out away
        BufferedReader parent = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Thread watch = new Thread(() -> awaitEnd(parent), "embedded-parent-watch");
        try {
            Settings settings = readSettings(parent);
            watch.start();
            start(settings);
        } catch (Throwable failure) {
            answer.println("FAILED" + causes(failure));
            answer.flush();
            Runtime.getRuntime().halt(1); // half-started threads of the node would keep the process alive
        }
        answer.println("READY");
        answer.flush();
        watch.join(); // the node's own threads would not keep the process alive
    }

    private static Settings readSettings(BufferedReader parent) throws Exception {
        Settings.Builder settings = Settings.builder();
        KeyStoreWrapper secure = KeyStoreWrapper.create();
        for (String line = parent.readLine(); line != null && line.isEmpty() == false; line = parent.readLine()) {
            int equals = line.indexOf('=');
            String value = line.substring(equals + 1);
            if (line.charAt(0) == '!') {
                secure.setString(line.substring(1, equals), value.toCharArray());
            } else {
                settings.put(line.substring(0, equals), value);
            }
        }
        return settings.setSecureSettings(secure).build();
    }

    private static void start(Settings settings) throws Exception {
        Path config = Path.of(settings.get("path.home"), "config");
        LogConfigurator.registerErrorListener();
        Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "embedded");
        LogConfigurator.setNodeName(environment.settings().get("node.name"));
        LogConfigurator.configure(environment, false);
        Node node = ClassPathNode.of(environment, ClassPathPlugins.loader(PLUGINS, config));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node), "embedded-close"));
        node.start();
        // users and API keys are in an index: without it the first requests would be refused as if the password was wrong
        node.client().admin().cluster().prepareHealth(INDICES_TIMEOUT).setTimeout(INDICES_TIMEOUT).setWaitForYellowStatus().get();
    }

    /** Ends the process when the parent does, already while the node starts. */
    private static void awaitEnd(BufferedReader parent) {
        try {
            while (parent.read() >= 0) {
                // nothing more is expected: only the end of the stream says something
            }
        } catch (IOException broken) {
            // a broken pipe says the same
        }
        Runtime.getRuntime().exit(0);
    }

    private static void close(Node node) {
        try {
            node.prepareForClose();
            node.close();
            node.awaitClose(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (Exception failure) {
            // the process is ending: the translog has what was acknowledged
        }
    }

    private static String causes(Throwable failure) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            text.append('\t').append(cause.toString().replaceAll("\\s+", " "));
        }
        return text.toString();
    }
}
