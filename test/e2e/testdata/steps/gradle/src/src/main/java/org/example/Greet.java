package org.example;

import org.apache.commons.lang3.StringUtils;

public final class Greet {
    public static void main(String[] args) {
        System.out.println(StringUtils.capitalize("good day"));
    }
}
