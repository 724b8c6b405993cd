package org.elasticsearch.node;

import org.elasticsearch.env.Environment;
import org.elasticsearch.plugins.ClassPathPlugins;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;

/** A node whose plugins stand on the class path: {@link ClassPathPlugins} says why. */
public final class ClassPathNode {
    private ClassPathNode() {}

    public static Node of(Environment environment, PluginsLoader plugins) {
        return new Node(NodeConstruction.prepareConstruction(environment, plugins, new Services(), true));
    }

    private static final class Services extends NodeServiceProvider {
        @Override
        PluginsService newPluginService(Environment environment, PluginsLoader plugins) {
            return new ClassPathPlugins(environment, plugins);
        }
    }
}
