package org.example;

public final class Greet {
    public static void main(String[] args) {
        System.out.println("Good day from Java " + Runtime.version().feature());
    }
}
