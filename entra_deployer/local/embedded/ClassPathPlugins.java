package org.elasticsearch.plugins;

import java.io.IOException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.elasticsearch.Build;
import org.elasticsearch.env.Environment;
import org.elasticsearch.plugins.spi.SPIClassIterator;

/**
 * Plugins that stand on the class path, where the start archive of the JVM covers them. In folders and class loaders of their own,
 * as in the distribution, their classes would be read and verified anew at every start, which takes a quarter of it.
 *
 * <p>It is in this package, and {@link org.elasticsearch.node.ClassPathNode} in its own, because that is how far the doors are open.
 */
public final class ClassPathPlugins extends PluginsService {
    private static final ClassLoader LOADER = ClassPathPlugins.class.getClassLoader();

    /** A plugin as its distribution calls it, its class, and the names of those that it extends. */
    public record Entry(String name, Class<? extends Plugin> type, String... extended) {}

    public ClassPathPlugins(Environment environment, PluginsLoader loader) {
        super(environment.settings(), environment.configDir(), loader);
    }

    /** The entries as plugins to load, in this order; {@code folder} is one without jars. */
    public static PluginsLoader loader(List<Entry> entries, Path folder) throws IOException {
        Set<PluginBundle> bundles = new LinkedHashSet<>();
        for (Entry entry : entries) {
            bundles.add(new PluginBundle(describe(entry), folder));
        }
        List<PluginsLoader.PluginLayer> layers = bundles.stream().<PluginsLoader.PluginLayer>map(Layer::new).toList();
        return new PluginsLoader(bundles, Set.of(), Map.of()) {
            @Override
            public Stream<PluginLayer> pluginLayers() {
                return layers.stream();
            }
        };
    }

    /** Each implementation once, made for the plugin whose jar it comes from. */
    @Override
    public <T> List<? extends T> loadServiceProviders(Class<T> service) {
        List<T> providers = new ArrayList<>();
        SPIClassIterator<T> implementations = SPIClassIterator.get(service, LOADER);
        while (implementations.hasNext()) {
            Class<? extends T> implementation = implementations.next();
            providers.add(createExtension(implementation, service, owner(implementation)));
        }
        return providers;
    }

    private Plugin owner(Class<?> implementation) {
        CodeSource jar = implementation.getProtectionDomain().getCodeSource();
        return plugins().stream()
            .map(LoadedPlugin::instance)
            .filter(plugin -> plugin.getClass().getProtectionDomain().getCodeSource().equals(jar))
            .findFirst()
            .orElse(plugins().get(0).instance()); // the server's own need none
    }

    private static PluginDescriptor describe(Entry entry) {
        String version = Build.current().version();
        List<String> extended = List.of(entry.extended());
        String type = entry.type().getName();
        return new PluginDescriptor(entry.name(), entry.name(), version, version, "17", type, null, extended, false, false, false, false);
    }

    private record Layer(PluginBundle pluginBundle) implements PluginsLoader.PluginLayer {
        @Override
        public ClassLoader pluginClassLoader() {
            return LOADER;
        }

        @Override
        public ModuleLayer pluginModuleLayer() {
            return ModuleLayer.boot();
        }
    }
}
